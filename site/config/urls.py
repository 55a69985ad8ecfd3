"""The site's URLs: each demo below its own name."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config import views

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("avatars/", include("avatars.urls")),
    path("gallery/", include("gallery.urls")),
    path("videos/", include("videos.urls")),
    path("", include("uploads.urls")),
    path("admin/", admin.site.urls),
]
