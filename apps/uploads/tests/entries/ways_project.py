"""One page and one intake that take the same files, whichever way these come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest
from django.urls import include, path

from liveview import LiveView, event_handler
from uploads import ResumableUploadWriter, UploadEntry, UploadError, UploadMixin
from uploads.core.sniffing import SNIFF_BYTES
from uploads.external import Stored

MOST = 100_000
ACCEPT = ".txt,.png"


class Shelf(ResumableUploadWriter):
    """Keeps what it got, by upload."""

    shelves: ClassVar[dict[str, bytes]] = {}
    is_full: ClassVar[bool] = False

    def open(self) -> None:
        self.shelves[self.upload_id] = self.shelves.get(self.upload_id, b"")[: self.confirmed]

    def write_chunk(self, chunk: bytes) -> None:
        if self.is_full:
            raise UploadError("storage_full")
        self.shelves[self.upload_id] += chunk

    def abort(self, error: BaseException) -> None:
        self.shelves.pop(self.upload_id, None)

    @classmethod
    def discard(cls, result: Any) -> None:
        cls.shelves.pop(result, None)

    def close(self) -> Any:
        return self.upload_id


class Depot:
    """Another storage, and the presigner that sends browsers there."""

    needs_view = False
    held: ClassVar[dict[str, bytes]] = {}

    def begin(self, entry: UploadEntry, view: Any) -> Parcel:
        self.held[entry.upload.id] = b""
        return Parcel(entry.upload.id, entry.size)

    def resume(self, entry: UploadEntry, state: Any) -> Parcel:
        return Parcel(state["id"], entry.size)


class Parcel:
    """One upload in the depot."""

    def __init__(self, upload_id: str, size: int) -> None:
        self.state, self.size = {"id": upload_id}, size

    def grant(self) -> dict[str, Any]:
        return {"uploader": "depot", "id": self.state["id"]}

    def sign(self, parts: Any) -> dict[str, Any]:
        return self.grant()

    def measure(self) -> int:
        return len(Depot.held[self.state["id"]])

    def finish(self) -> Stored:
        data = Depot.held[self.state["id"]]
        if len(data) < self.size:
            raise UploadError("incomplete")
        return Stored(len(data), data[:SNIFF_BYTES], self.state["id"])

    def accept(self, entry: UploadEntry) -> str:
        Depot.held[entry.upload.id] = entry.data
        return entry.upload.id

    def discard(self) -> None:
        Depot.held.pop(self.state["id"], None)


class WaysView(UploadMixin, LiveView):
    template_name = "uploads_ways.html"

    check: ClassVar[Callable[[UploadEntry], None]] = staticmethod(lambda entry: None)

    def mount(self, request: HttpRequest, **kwargs: Any) -> None:
        options: dict[str, Any] = {"accept": ACCEPT, "max_file_size": MOST, "validators": [self.judge]}
        self.allow_upload("video", resumable=True, **options)
        self.allow_upload("written", resumable=True, writer=Shelf, **options)
        self.allow_upload("direct", external=Depot(), **options)

    @staticmethod
    def judge(entry: UploadEntry) -> None:
        WaysView.check(entry)

    @event_handler
    def run(self) -> None:
        for slot in ("video", "written", "direct"):
            list(self.consume_uploaded_entries(slot))


urlpatterns = [
    path("ways/", WaysView.as_view()),
    path("", include("uploads.http.urls")),
    path("", include("uploads.urls")),
]
