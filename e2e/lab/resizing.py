"""A page whose pictures are made smaller before they are sent: what came of each is on it, and in MEDIA_ROOT."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.http import HttpRequest

from liveview import LiveView, state
from uploads import UploadEntry, UploadMixin


class Resizing(UploadMixin, LiveView):
    """Its second slot waits for a button, and can be resumed."""

    template_name = "lab/resizing.html"
    page_title = "Resizing"

    stored: state[list[dict[str, Any]]] = state([])

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        more: dict[str, Any] = {"max_entries": 20, "max_file_size": 400_000, "progress": self.on_progress}
        self.allow_upload("photos", accept="image/*", **more)
        self.allow_upload("slotted", accept="image/*", resize=100, auto_upload=False, resumable=True, **more)

    def on_progress(self, entry: UploadEntry) -> None:
        for ready in self.consume_uploaded_entries(entry.slot.name) if entry.complete else ():
            path = default_storage.save(f"resized/{ready.upload.id}{ready.extension}", ready.file)
            self.stored = [*self.stored, {"name": ready.client_name, "type": ready.content_type, "path": path}]
