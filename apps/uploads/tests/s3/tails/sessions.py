"""One upload of three parts in several sessions, each as in a process of its own."""

from __future__ import annotations

import random

from liveview import process
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.s3.multipart import ResumableS3Writer
from uploads.s3.options import SMALLEST_PART
from uploads.stores import InMemoryUploadState, Record
from uploads.stores.hold import StoredHold
from uploads.tests.faults import S3Faults
from uploads.tests.moto import Moto
from uploads.tests.support import sha

PART = SMALLEST_PART
DATA = random.Random(5).randbytes(2 * PART + 700_000)  # three parts
ID = "fedcba9876543210fedcba9876543210"
OTHER = ID[::-1]
KEY = f"uploads/{ID}/film.txt"
STEP = 1_000_000


def name(start: int, end: int, upload_id: str = ID) -> str:
    return f"uploads/tails/{upload_id}.{start}-{end}"


class Sessions:
    """One upload that is parked and resumed: each entry is that of another process."""

    def __init__(self, s3: S3Faults, moto: Moto) -> None:
        self.s3, self.moto = s3, moto
        self.store = InMemoryUploadState()
        self.store.save(Record(ID, "visitor:me", "/", "film", "film.txt", len(DATA)), 1000)

    def entry(self, writer: type[ResumableS3Writer] = ResumableS3Writer) -> UploadEntry:
        slot = Slot(name="film", accept=Accept.parse(".txt"), max_file_size=10**9, resumable=True, writer=writer)
        entry = UploadEntry(ID, "ref", slot, parse_name("film.txt"), len(DATA))
        record, lease = self.store.load(ID), self.store.acquire(ID, "page", 1000)
        assert record is not None
        assert lease is not None
        entry.hold = StoredHold(self.store, lease, 1000, record)
        return entry

    def resumed(self) -> UploadEntry:
        entry = self.entry()
        entry.reopen()
        return entry

    def interrupted(self, end: int) -> None:
        """The first session: its socket is gone after so many bytes."""
        entry = self.entry()
        feed(entry, end)
        entry.park()

    def ends_up_whole(self, entry: UploadEntry) -> None:
        """Of a resumed upload: the object is the file, from one multipart upload, and nothing else is there."""
        feed(entry)
        assert entry.seal()
        entry.check()
        assert sha(self.moto.read(KEY)) == sha(DATA) == entry.sha256
        assert self.s3.count("POST", "?uploads") == 1
        self.has_only(KEY)

    def has_only(self, *keys: str) -> None:
        assert self.moto.keys() == sorted(keys)
        assert self.moto.unfinished() == []


def feed(entry: UploadEntry, end: int = len(DATA)) -> None:
    for at in range(entry.upload.received, end, STEP):
        chunk = DATA[at : min(at + STEP, end)]
        assert isinstance(drive.feed(entry, chunk, at), drive.Write)
        drive.commit(entry, [chunk])


def writer_of(entry: UploadEntry) -> ResumableS3Writer:
    writer = entry.sink._writer  # type: ignore[attr-defined]
    assert isinstance(writer, ResumableS3Writer)
    return writer


def crash(entry: UploadEntry) -> None:
    """What a killed process does: nothing. Its requests that are under way may still arrive."""
    writer_of(entry).parts.settle()
    process.begin()
