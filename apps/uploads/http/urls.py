"""The ways in that are Django views: `path("", include("uploads.http.urls"))`. The paths are those of the seeds."""

from __future__ import annotations

from django.urls import path

from uploads.http.multipart import forms

__all__ = ["urlpatterns"]

app_name = "uploads_http"
urlpatterns = [
    path("upload", forms.upload, name="upload"),
    path("get_upload_progress", forms.get_upload_progress, name="progress"),
    path("api/upload", forms.upload, name="api-upload"),
]
