"""A resumed upload is the upload that it was: its type, its names, its digest and its offset.

Whichever way it is resumed (from its staging file, from its record with a new writer, or with the writer that still
waits in this process), before and after it was complete, with a known type and an unknown one, and with a validator
that looks at all of it.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from PIL import Image

from liveview import process
from uploads import BufferedUploadWriter, ResumableUploadWriter, UploadEntry
from uploads.core.names import FileName, parse_folder, parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries import drive
from uploads.entries.entry import entry_of
from uploads.entries.uploader import Uploader
from uploads.staging import ownership
from uploads.staging.files import StagingFile
from uploads.stores import InMemoryUploadState, hold
from uploads.stores.hold import StoredHold, record_of

ID = "0123456789abcdef" * 2
PIECE = 8_000
ME = Uploader("me", "me")

pytestmark = pytest.mark.usefixtures("folders")


class Shelf(ResumableUploadWriter):
    """A new instance continues after what was confirmed."""

    shelves: ClassVar[dict[str, bytes]] = {}
    made: ClassVar[int] = 0

    def open(self) -> None:
        Shelf.made += 1
        self.shelves[self.upload_id] = self.shelves.get(self.upload_id, b"")[: self.confirmed]

    def write_chunk(self, chunk: bytes) -> None:
        self.shelves[self.upload_id] += chunk

    def close(self) -> str:
        return self.upload_id


class Parts(BufferedUploadWriter, ResumableUploadWriter):
    """Buffers and doesn't measure: only this very instance can resume."""

    buffer_threshold = 5_000

    def on_part(self, part: bytes, part_num: int) -> None:
        Shelf.shelves[self.upload_id] = Shelf.shelves.get(self.upload_id, b"") + part

    def open(self) -> None:
        Shelf.made += 1

    def on_complete(self) -> str:
        return self.upload_id


def picture() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((150, 150), 50).save(file, "PNG")
    return file.getvalue()


FILES = {"known": ("Sea view.png", picture()), "unknown": ("notes.txt", random.Random(3).randbytes(20_000))}
WAYS: dict[str, Any] = {"staging file": None, "record": Shelf, "waiting writer": Parts}


class Upload:
    """One upload in several sessions."""

    def __init__(self, writer: Any, name: str, data: bytes, seen: list[dict[str, Any]]) -> None:
        self.data = data
        self.name: FileName = replace(parse_name(name), folder=parse_folder("holiday/" + name))
        self.slot = Slot(
            name="film",
            accept=Accept.parse(".png,.txt"),
            resumable=True,
            writer=writer,
            validators=(lambda entry: seen.append(facts(entry)),),
        )
        self.store = InMemoryUploadState()

    def begin(self) -> UploadEntry:
        entry = UploadEntry(ID, "first", self.slot, self.name, len(self.data), "text/made-up")
        drive.open(entry, ME)
        record = record_of(entry, "visitor:me", "/", "film", entry.folder)
        self.store.save(record, 1000)
        entry.hold = hold.take(self.store, record, "page", 1000)
        return entry

    def resume(self) -> UploadEntry:
        record = self.store.load(ID)
        assert record is not None
        entry = entry_of(record, self.slot, "next", hold.take(self.store, record, "page", 1000))
        drive.resume(entry, ME)
        return entry

    def send(self, entry: UploadEntry, end: int) -> None:
        for at in range(entry.upload.received, end, PIECE):
            piece = self.data[at : min(at + PIECE, end)]
            assert isinstance(drive.feed(entry, piece, at), drive.Write)
            drive.commit(entry, [piece])


def facts(entry: UploadEntry) -> dict[str, Any]:
    return {
        "content_type": entry.content_type,
        "file_type": entry.file_type,
        "client_name": entry.client_name,
        "client_path": entry.client_path,
        "client_type": entry.client_type,
        "safe_name": entry.safe_name,
        "size": entry.size,
        "sha256": entry.sha256,
    }


@pytest.fixture
def seen() -> Iterator[list[dict[str, Any]]]:
    """What the validator was shown, each time."""
    Shelf.shelves, Shelf.made = {}, 0
    yield []


@pytest.fixture(params=FILES, ids=lambda kind: f"{kind} type")
def begin(request: pytest.FixtureRequest, seen: list[dict[str, Any]]) -> Callable[[str], Upload]:
    return lambda way: Upload(WAYS[way], *FILES[request.param], seen)


def is_stored(upload: Upload, entry: UploadEntry) -> bool:
    stored = entry.path.read_bytes() if upload.slot.writer is None else Shelf.shelves[ID]
    return hashlib.sha256(stored).digest() == hashlib.sha256(upload.data).digest()


def check(upload: Upload, entry: UploadEntry, seen: list[dict[str, Any]]) -> None:
    """It is the file, and what the validator saw is what an upload that was never interrupted would have shown."""
    type_, mime = (".png", "image/png") if upload.name.extension == ".png" else (None, "application/octet-stream")
    assert entry.complete
    assert is_stored(upload, entry)
    shown = seen[-1]
    assert shown["content_type"] == entry.content_type == mime
    assert (shown["file_type"].extension if shown["file_type"] else None) == type_
    assert (shown["client_name"], shown["client_path"]) == (upload.name.label, f"holiday/{upload.name.label}")
    assert (shown["client_type"], shown["size"]) == ("text/made-up", len(upload.data))
    digests = {hashlib.sha256(upload.data).hexdigest()}
    if upload.slot.writer is Shelf:
        digests.add("")  # a new writer hasn't seen the beginning
    assert shown["sha256"] in digests


@pytest.mark.parametrize("crash", [False, True], ids=["parked", "crashed"])
@pytest.mark.parametrize("way", WAYS)
def test_it_is_resumed_before_it_is_complete(
    way: str, crash: bool, begin: Callable[[str], Upload], seen: list[dict[str, Any]]
) -> None:
    upload = begin(way)
    first = upload.begin()
    upload.send(first, 2 * PIECE)
    leave(upload, first, crash=crash)

    if way == "waiting writer" and crash:
        second = upload.resume()
        assert second.upload.received == 0  # the parts were in the memory that is gone: it starts over
        Shelf.shelves.clear()
    else:
        second = upload.resume()
        assert second.upload.received == 2 * PIECE
        assert second.content_type == first.content_type
    upload.send(second, len(upload.data))

    assert drive.settle(second) == drive.Ready()
    check(upload, second, seen)


@pytest.mark.parametrize("crash", [False, True], ids=["parked", "crashed"])
@pytest.mark.parametrize("way", ["staging file", "record"])
def test_it_is_resumed_after_its_last_byte_and_validated_once_more(
    way: str, crash: bool, begin: Callable[[str], Upload], seen: list[dict[str, Any]]
) -> None:
    upload = begin(way)
    first = upload.begin()
    upload.send(first, len(upload.data))
    assert drive.settle(first) == drive.Ready()
    leave(upload, first, crash=crash)

    second = upload.resume()

    assert second.upload.is_complete
    assert drive.settle(second) == drive.Ready()
    assert len(seen) == 2
    check(upload, second, seen)
    if way == "record" and not crash:
        assert (Shelf.made, second.writer_result) == (1, ID)  # closed once, and its result is still known


def test_a_writer_that_is_closed_waits_for_its_page_with_its_result(
    begin: Callable[[str], Upload], seen: list[dict[str, Any]]
) -> None:
    upload = begin("waiting writer")
    first = upload.begin()
    upload.send(first, len(upload.data))
    assert drive.settle(first) == drive.Ready()
    leave(upload, first, crash=False)

    second = upload.resume()

    assert drive.settle(second) == drive.Ready()
    assert (Shelf.made, second.writer_result) == (1, ID)
    check(upload, second, seen)


def test_what_a_crash_leaves_belongs_to_whoever_has_the_lease(begin: Callable[[str], Upload]) -> None:
    """The memory of the process is all that is lost: another page waits for the lease, the same page resumes."""
    upload = begin("staging file")
    first = upload.begin()
    upload.send(first, PIECE)
    die(first)

    record = upload.store.load(ID)
    assert record is not None
    assert upload.store.acquire(ID, "another page", 1000) is None
    second = upload.resume()
    assert second.upload.received == PIECE
    assert isinstance(first.hold, StoredHold) and not first.hold.is_ours()
    second.discard()


def leave(upload: Upload, entry: UploadEntry, *, crash: bool) -> None:
    if crash:
        die(entry)
    else:
        entry.park()


def die(entry: UploadEntry) -> None:
    """What is in memory is gone, and what was open is closed, by the system."""
    process.begin()
    if isinstance(entry.sink, StagingFile) and entry.sink._file is not None:
        ownership.closed(entry.sink._file)
        entry.sink._file = None
