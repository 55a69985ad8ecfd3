"""A page that counts its events, with a module of the project's own that imports the client."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin


class Counted(UploadMixin, LiveView):
    template_name = "lab/counted.html"
    page_title = "Counted"

    seen: state[dict[str, int]] = state({})

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.allow_upload("file", progress=self.on_progress)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(counts=sorted(self.seen.items()), **kwargs)

    @event_handler
    def count(self, what: str, **params: Any) -> None:
        self.seen = {**self.seen, what: self.seen.get(what, 0) + 1}

    def on_progress(self, entry: UploadEntry) -> None:
        for _ready in self.consume_uploaded_entries("file") if entry.complete else ():
            self.count("upload")
