"""The videos' URLs as a project includes them."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("videos/", include("videos.urls")), path("", include("uploads.urls"))]
