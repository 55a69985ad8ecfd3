from __future__ import annotations

import json
import uuid
from typing import Any, Final

from django.http import HttpRequest
from django.urls import include, path

from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin
from uploads.s3.multipart import ResumableS3Writer, S3MultipartWriter
from uploads.s3.presigning import S3Presigner
from uploads.tests.http.ways.apps import folder, keep

SLOTS: Final[dict[str, dict[str, Any]]] = {
    "staged": {"resumable": True},
    "written": {"writer": S3MultipartWriter},
    "resumed": {"writer": ResumableS3Writer, "resumable": True},
    "direct": {"external": S3Presigner(), "resumable": True},
}


class SoakView(UploadMixin, LiveView):
    """Keeps what arrives."""

    template_name = "soak.html"

    kept = state(0)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        for name, options in SLOTS.items():
            self.allow_upload(name, max_file_size=50_000_000, max_entries=5, progress=self.on_progress, **options)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**kwargs, "slots": SLOTS}

    def on_progress(self, entry: UploadEntry) -> None:
        if entry.complete:
            self.save()

    @event_handler
    def save(self) -> None:
        for name, options in SLOTS.items():
            for entry in self.consume_uploaded_entries(name):
                self.kept += 1
                if options.keys() & {"writer", "external"}:
                    _note(entry.client_name, entry.writer_result["key"])
                else:
                    keep(entry, "")


def _note(name: str, key: str) -> None:
    """That an object is ours now."""
    folder().mkdir(exist_ok=True)
    note = folder() / f"{uuid.uuid4()}.s3"
    note.with_suffix(".tmp").write_text(json.dumps({"name": name, "key": key}))
    note.with_suffix(".tmp").rename(note)


urlpatterns = [path("page/", SoakView.as_view()), path("", include("uploads.tests.http.ways.urls"))]
