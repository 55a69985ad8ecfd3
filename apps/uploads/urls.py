"""`path("", include("uploads.urls"))` serves MEDIA_URL from local storage."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, path

from uploads.serving.views import serve

__all__ = ["urlpatterns"]

app_name = "uploads"
urlpatterns: list[URLPattern] = []
if settings.MEDIA_URL.startswith("/") and settings.MEDIA_URL != "/":  # which it is where it isn't set
    urlpatterns.append(path(f"{settings.MEDIA_URL[1:]}<path:path>", serve, name="media"))
