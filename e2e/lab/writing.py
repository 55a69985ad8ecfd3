"""A page whose large files are streamed into the site's bucket: what became of each is on it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from liveview import LiveView, state
from uploads import UploadEntry, UploadMixin
from uploads.s3.multipart import ResumableS3Writer
from uploads.tests.seeds.writers import ResumableS3Writer as SampleWriter

LARGEST = 2_000_000_000  # bytes


class Writing(UploadMixin, LiveView):
    """`?sample` has the slot use the seeds' own writer."""

    template_name = "lab/writing.html"
    page_title = "Writing"

    stored: state[list[dict[str, Any]]] = state([])

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.allow_upload(
            "film",
            max_file_size=LARGEST,
            resumable=True,
            writer=SampleWriter if "sample" in request.GET else ResumableS3Writer,
            progress=self.on_progress,
        )

    def on_progress(self, entry: UploadEntry) -> None:
        for ready in self.consume_uploaded_entries("film") if entry.complete else ():
            self.stored = [*self.stored, {"url": ready.writer_result["url"], "sha256": ready.sha256}]
