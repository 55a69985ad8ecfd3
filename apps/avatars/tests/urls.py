from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("avatars/", include("avatars.urls")),
    path("admin/", admin.site.urls),
    path("", include("uploads.urls")),
]
