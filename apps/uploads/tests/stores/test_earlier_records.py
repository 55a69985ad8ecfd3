"""Uploads that an earlier version has parked are resumed by this one: their records, to the letter, and their bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from liveview import process
from uploads import ResumableUploadWriter
from uploads.core.slots import Accept, Slot
from uploads.entries import drive
from uploads.entries.entry import entry_of
from uploads.entries.uploader import Uploader
from uploads.http.shared import records
from uploads.stores import InMemoryUploadState, Record, hold

ID = "0123456789abcdef" * 2
DATA = b"an upload from before " * 500
HERE = len(DATA) // 2

SOCKET = (
    f'{{"id":"{ID}","owner":"visitor:u8e1","page":"/videos/","slot":"film","name":"sea \\u00fc.txt","size":{len(DATA)},'
    '"client_type":"text/plain","folder":"holiday","writer":{},"http":{}}'
)
WRITER = (
    f'{{"id":"{ID}","owner":"user:7","page":"/videos/","slot":"film","name":"a.txt","size":{len(DATA)},'
    '"client_type":"","folder":"","writer":{"type":"text/plain","state":{"key":"uploads/a.txt"}},"http":{}}'
)
FALLBACK = (
    f'{{"id":"{ID}","owner":"visitor:u8e1","page":"/videos/","slot":"film","name":"a.txt","size":{len(DATA)},'
    '"client_type":"text/plain","folder":"","writer":{},"http":{"page":"1"}}'
)
TUS = (
    f'{{"id":"{ID}","owner":"url:{ID}","page":"/tus/","slot":"files","name":"a.txt","size":{len(DATA)},'
    '"client_type":"","folder":"","writer":{},"http":{"metadata":"filename YS50eHQ=","deferred":"1"}}'
)


class Shelf(ResumableUploadWriter):
    states: ClassVar[list[dict[str, Any]]] = []

    def open(self) -> None:
        self.states.append(self.resume_state)

    def write_chunk(self, chunk: bytes) -> None: ...


@pytest.mark.parametrize("text", [SOCKET, WRITER, FALLBACK, TUS], ids=["socket", "writer", "fallback", "tus"])
def test_it_is_resumed_where_it_was(text: str, folders: Path) -> None:
    process.begin()
    record = Record.from_json(text)
    assert record is not None
    assert json.loads(record.to_json()) == json.loads(text)
    store = InMemoryUploadState()
    store.save(record, 1000)
    staging = folders / "staging"
    staging.mkdir()
    if record.writer:
        store.set_offset(ID, HERE)
    else:
        (staging / ID).write_bytes(DATA[:HERE])
    slot = Slot(name="film", accept=Accept.parse(".txt"), resumable=True, writer=Shelf if record.writer else None)

    entry = entry_of(record, slot, "ref", hold.take(store, record, "page", 1000))
    drive.resume(entry, Uploader("me", "me"))

    assert entry.upload.received == HERE
    assert (entry.client_path, entry.size) == (f"{record.folder}/{record.name}".lstrip("/"), len(DATA))
    outcome = drive.deliver(entry, [DATA[HERE:]])
    assert outcome == drive.Ready()
    if record.writer:
        assert Shelf.states == [{"key": "uploads/a.txt"}]
    else:
        assert entry.sha256 == hashlib.sha256(DATA).hexdigest()
    entry.cancel()
    entry.discard()


def test_what_http_keeps_of_one_is_understood() -> None:
    record = Record.from_json(TUS)
    assert record is not None
    assert records.DEFERRED in record.http and record.http[records.METADATA] == "filename YS50eHQ="
    done = records.changed(record, **{records.STAGE: records.DONE, records.RESULT: "a name"})
    assert records.is_done(done) and records.result(done) == "a name"
