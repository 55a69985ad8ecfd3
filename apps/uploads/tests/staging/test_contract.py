"""What every sink that stages does, on this machine's disk and in the bucket."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from liveview import process
from uploads.core.contracts import Sink
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.stores import InMemoryUploadState, Record
from uploads.stores.hold import StoredHold
from uploads.tests.support import until

ID = "0123456789abcdef" * 2
SLOT = Slot(name="film", accept=Accept.parse(".bin"), max_file_size=10**9, resumable=True)
MIB = 2**20
SIZES = [1, 70_000, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 11 * MIB]
DATA = random.Random(7).randbytes(11 * MIB)


class Upload:
    """One upload that is parked and resumed: each entry is that of another connection."""

    def __init__(self, size: int) -> None:
        self.data = DATA[:size]
        self.store = InMemoryUploadState()
        self.store.save(Record(ID, "visitor:me", "/", "film", "film.bin", size), 1000)

    def entry(self) -> UploadEntry:
        record, lease = self.store.load(ID), self.store.acquire(ID, "page", 1000)
        assert record is not None and lease is not None
        made = UploadEntry(ID, "ref", SLOT, parse_name("film.bin"), len(self.data))
        made.hold = StoredHold(self.store, lease, 1000, record)
        made.sink.recall(record.writer)
        return made

    def resumed(self) -> UploadEntry:
        made = self.entry()
        made.reopen()
        return made

    def feed(self, entry: UploadEntry, end: int | None = None, step: int = MIB) -> None:
        end = len(self.data) if end is None else end
        for at in range(entry.upload.received, end, step):
            piece = self.data[at : min(at + step, end)]
            assert isinstance(drive.feed(entry, piece, at), drive.Write)
            drive.commit(entry, [piece])

    def ends_up_whole(self, entry: UploadEntry) -> None:
        assert isinstance(drive.settle(entry), drive.Ready)
        assert entry.sha256 == hashlib.sha256(self.data).hexdigest()
        assert entry.path.read_bytes() == self.data == entry.data
        assert entry.upload.durable == len(self.data)


def crash(entry: UploadEntry) -> None:
    """What a killed process does: nothing but let go of its files. What it was sending may still arrive."""
    sink: Any = entry.sink
    scratch = getattr(sink, "_scratch", sink)
    if getattr(sink, "_parts", None) is not None:
        until(lambda: not sink._parts._running)
    if scratch._file is not None:
        scratch._file.close()
        scratch._file = None
    process.begin()


@pytest.fixture(params=["disk", "bucket"])
def left(request: pytest.FixtureRequest, folders: Any, settings: Any, staged: Callable[[], list[str]]) -> Iterator[Any]:
    """What is left of uploads, wherever they are staged."""
    if request.param == "disk":
        yield staged
        return
    moto = request.getfixturevalue("s3")
    settings.UPLOADS = {**settings.UPLOADS, "STAGING": "bucket", "S3": moto.options()}
    yield lambda: [*staged(), *moto.keys(), *moto.unfinished()]


@pytest.fixture
def nothing_left(left: Any) -> Iterator[None]:
    yield
    until(lambda: left() == [])


pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_whole_and_hashed(size: int) -> None:
    upload = Upload(size)
    entry = upload.entry()
    upload.feed(entry)
    upload.ends_up_whole(entry)
    assert entry.sink.is_staged
    entry.discard()


@pytest.mark.parametrize("size", SIZES)
def test_a_parked_upload_goes_on_where_it_was(size: int) -> None:
    upload = Upload(size)
    entry = upload.entry()
    upload.feed(entry, size // 2)
    entry.park()

    again = upload.resumed()
    assert again.upload.received == again.upload.durable == size // 2
    digest, length = again.tail
    assert digest == (hashlib.sha256(upload.data[size // 2 - length : size // 2]).hexdigest() if length else "")
    assert length == min(65_536, size // 2)
    upload.feed(again)
    upload.ends_up_whole(again)
    again.discard()


def test_a_crash_loses_nothing_where_the_disk_stays() -> None:
    upload = Upload(11 * MIB)
    first = upload.entry()
    upload.feed(first, 8 * MIB)
    crash(first)

    again = upload.resumed()
    assert again.upload.received >= 5 * MIB
    upload.feed(again)
    upload.ends_up_whole(again)
    again.discard()


def test_a_complete_one_that_is_parked_is_complete_when_it_is_resumed() -> None:
    upload = Upload(11 * MIB)
    entry = upload.entry()
    upload.feed(entry)
    upload.ends_up_whole(entry)
    entry.park()

    again = upload.resumed()
    assert again.upload.is_complete
    upload.ends_up_whole(again)
    again.discard()


def test_it_can_be_measured_without_being_resumed() -> None:
    upload = Upload(11 * MIB)
    assert upload.entry().sink.measure() is None
    for end in (1, 3 * MIB, 7 * MIB, 11 * MIB):
        entry = upload.resumed()
        upload.feed(entry, end)
        entry.park()
        assert upload.entry().sink.measure() == end
    upload.resumed().discard()


def test_a_stranger_to_an_upload_can_remove_it() -> None:
    upload = Upload(11 * MIB)
    entry = upload.entry()
    upload.feed(entry, 7 * MIB)
    entry.park()

    upload.entry().discard()


def test_one_that_was_resumed_elsewhere_leaves_the_bytes_alone() -> None:
    upload = Upload(11 * MIB)
    first = upload.entry()
    upload.feed(first, 7 * MIB)
    second = upload.resumed()

    with pytest.raises(UploadError) as raised:
        drive.commit(first, [b"x"])
    assert raised.value.code == "superseded"
    first.discard()

    upload.feed(second)
    upload.ends_up_whole(second)
    second.discard()


def test_a_cancelled_one_takes_nothing_more() -> None:
    upload = Upload(11 * MIB)
    entry = upload.entry()
    upload.feed(entry, 7 * MIB)
    entry.cancel()
    entry.discard()
    entry.discard()
    sink: Sink = entry.sink
    sink.write([b"late"])
    sink.park()


def test_what_was_made_of_it_goes_with_it() -> None:
    upload = Upload(3)
    entry = upload.entry()
    upload.feed(entry)
    entry.sibling("thumb").write_bytes(b"x")
    upload.ends_up_whole(entry)
    entry.discard()


def test_a_file_that_is_saved_stays_when_its_upload_is_gone(tmp_path: Any) -> None:
    from django.core.files.storage import default_storage

    upload = Upload(6 * MIB)
    entry = upload.entry()
    upload.feed(entry)
    upload.ends_up_whole(entry)
    name = default_storage.save("films/film.bin", entry.file)
    entry.discard()

    with default_storage.open(name) as saved:
        assert hashlib.sha256(saved.read()).hexdigest() == entry.sha256
