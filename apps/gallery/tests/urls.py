"""The gallery's URLs as a project includes them."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("gallery/", include("gallery.urls")), path("", include("uploads.urls"))]
