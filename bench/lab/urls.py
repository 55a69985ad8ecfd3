from __future__ import annotations

from django.urls import include, path

from bench.lab.bucket import IntoBucket
from bench.lab.plain import plain
from bench.lab.views import Rows, Uploading

urlpatterns = [
    path("bench/", Uploading.as_view(), name="bench"),
    path("bench/bucket/", IntoBucket.as_view(), name="bucket"),
    path("bench/plain/", plain),
    path("bench/rows/", Rows.as_view(), name="rows"),
    path("", include("config.urls")),
]
