"""Views for uploads without a socket: one takes what is there by itself, one asks for a log-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest
from django.urls import include, path

from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin, UploadWriter
from uploads.tests.project import BenchView


class ShelfWriter(UploadWriter):
    """Keeps what it got."""

    shelf: ClassVar[list[bytes]] = []

    def open(self) -> None:
        self.content = b""

    def write_chunk(self, chunk: bytes) -> None:
        self.content += chunk

    def close(self) -> Any:
        self.shelf.append(self.content)
        return {"bytes": len(self.content)}

    def abort(self, error: BaseException) -> None:
        self.content = b""


class EagerView(UploadMixin, LiveView):
    template_name = "uploads_bench.html"

    said = state("")

    take: ClassVar[Callable[[EagerView, UploadEntry], None]] = staticmethod(lambda view, entry: None)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        self.allow_upload("eager", accept=".txt", progress=self.on_progress)
        self.allow_upload("shelf", accept=".txt", writer=ShelfWriter)
        for name in ("doc", "docs", "small"):
            self.allow_upload(name)  # which the template asks for

    def on_progress(self, entry: UploadEntry) -> None:
        EagerView.take(self, entry)

    @event_handler
    def run(self) -> None:
        found = [entry for slot in ("eager", "shelf") for entry in self.consume_uploaded_entries(slot)]
        self.said = " ".join(entry.sha256 for entry in found)


class MembersView(LoginRequiredMixin, BenchView):
    pass


urlpatterns = [
    path("eager/", EagerView.as_view()),
    path("members/", MembersView.as_view()),
    path("", include("uploads.tests.project")),
]
