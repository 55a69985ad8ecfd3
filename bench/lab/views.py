"""A page that takes any file, tells its SHA-256, and counts clicks."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.http import HttpRequest

from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin

LARGEST = 10_000_000_000  # bytes


class Uploading(UploadMixin, LiveView):
    """`?resumable` makes the slot so; `?save` keeps each file in the site's storage, and says so."""

    template_name = "bench/page.html"
    page_title = "Bench"

    clicks = state(0)
    arrived: state[list[dict[str, Any]]] = state([])

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.saves = "save" in request.GET
        self.allow_upload(
            "file",
            max_file_size=LARGEST,
            resumable="resumable" in request.GET,
            progress=self.on_progress,
        )

    def on_progress(self, entry: UploadEntry) -> None:
        if entry.complete:
            self.keep()

    @event_handler
    def keep(self, **fields: Any) -> None:
        """What a form without JavaScript is posted to."""
        for ready in self.consume_uploaded_entries("file"):
            name = default_storage.save(f"bench/{ready.safe_name}", ready.file) if self.saves else ""
            self.arrived = [*self.arrived, {"sha256": ready.sha256, "saved": name}]

    @event_handler
    def click(self) -> None:
        self.clicks += 1


class Rows(LiveView):
    """A page of about 100 KB, with one number that a click changes."""

    template_name = "bench/rows.html"
    page_title = "Rows"

    clicks = state(0)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.numbers = range(700)

    @event_handler
    def click(self) -> None:
        self.clicks += 1
