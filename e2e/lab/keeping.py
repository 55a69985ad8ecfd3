"""A page that takes large files and keeps them: what became of each is on it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from liveview import LiveView, state
from uploads import UploadEntry, UploadMixin

LARGEST = 2_000_000_000  # bytes


class Keeping(UploadMixin, LiveView):
    """`?store=` names where an interrupted upload is kept; without it uploads aren't resumable. `?verify=` verifies."""

    template_name = "lab/keeping.html"
    page_title = "Keeping"

    arrived: state[list[dict[str, Any]]] = state([])

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        store = request.GET.get("store")
        self.allow_upload(
            "file",
            max_file_size=LARGEST,
            resumable=store is not None,
            resumable_store=store,
            resumable_store_options={"redis_url": settings.REDIS_URL} if store == "redis" else None,
            progress=self.on_progress,
            verify="verify" in request.GET,
        )

    def on_progress(self, entry: UploadEntry) -> None:
        for ready in self.consume_uploaded_entries("file") if entry.complete else ():
            found = {"name": ready.client_name, "path": ready.client_path, "size": ready.size, "sha256": ready.sha256}
            self.arrived = [*self.arrived, found]
