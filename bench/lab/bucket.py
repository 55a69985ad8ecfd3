"""A page whose files go into a bucket, through the server or past it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from bench.lab.views import LARGEST
from liveview import LiveView
from uploads import UploadEntry, UploadMixin
from uploads.s3.multipart import S3MultipartWriter
from uploads.s3.presigning import S3Presigner


class IntoBucket(UploadMixin, LiveView):
    template_name = "bench/bucket.html"
    page_title = "Into a bucket"

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.allow_upload("streamed", max_file_size=LARGEST, writer=S3MultipartWriter, progress=self.on_progress)
        self.allow_upload("direct", max_file_size=LARGEST, external=S3Presigner(), progress=self.on_progress)

    def on_progress(self, entry: UploadEntry) -> None:
        if entry.complete:
            list(self.consume_uploaded_entries("streamed"))
            list(self.consume_uploaded_entries("direct"))
