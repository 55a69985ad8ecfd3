"""A page whose slots go to writers. Which, and what its validator does, is set by each test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest

from liveview import LiveView, event_handler, state
from uploads import UploadEntry, UploadMixin, UploadWriter


class WriterView(UploadMixin, LiveView):
    template_name = "uploads_writers.html"

    said = state("")
    taken: state[list[str]] = state([])

    make: ClassVar[Callable[..., UploadWriter] | None] = None
    check: ClassVar[Callable[[UploadEntry], None]] = staticmethod(lambda entry: None)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        common: dict[str, Any] = {"accept": ".txt,.png", "writer": WriterView.make, "validators": [self.judge]}
        self.allow_upload("file", max_file_size=100_000_000, **common)
        self.allow_upload("files", max_file_size=100_000_000, max_entries=20, **common)
        self.allow_upload("small", max_file_size=100_000, **common)
        self.allow_upload("film", max_file_size=100_000_000, resumable=True, **common)

    @staticmethod
    def judge(entry: UploadEntry) -> None:
        WriterView.check(entry)

    @event_handler
    def take(self) -> None:
        for slot in ("file", "files", "film"):
            for entry in self.consume_uploaded_entries(slot):
                result = entry.writer_result
                found = f"data={len(entry.data)} file={entry.file.size} sha256={entry.sha256} size={entry.size}"
                self.taken = [*self.taken, f"url={result['url'] if result else result} {found}"]

    @event_handler
    def narrow(self) -> None:
        self.allow_upload("file", accept=".txt", max_file_size=1000, writer=WriterView.make)

    @event_handler
    def say(self, text: str = "") -> None:
        self.said = text
