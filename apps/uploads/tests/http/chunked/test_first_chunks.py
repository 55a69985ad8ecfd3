"""The first chunk of a file makes the file and then its record: what happens between the two, and without either."""

from __future__ import annotations

import asyncio
import fcntl
import io
import json
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from liveview import process
from liveview.process import here
from uploads import UploadEntry, intakes, threads
from uploads.conf import conf
from uploads.entries.quotas import Ledger
from uploads.errors import UploadError
from uploads.http.chunked import part_file
from uploads.http.chunked.endpoint import Chunk, Chunks, Coming
from uploads.http.shared import records
from uploads.stores import StateStore, get_store
from uploads.tests.support import Gate, Staged, until

DATA = random.Random(21).randbytes(30_000)
PATIENCE = 60.0


@pytest.fixture
def got(settings: Any, folders: Any) -> Iterator[list[bytes]]:
    """What the intake has been given."""
    taken: list[bytes] = []

    def receive(entry: UploadEntry, _owner: str) -> None:
        taken.append(entry.path.read_bytes())

    settings.UPLOADS = {**settings.UPLOADS, "UPLOAD_STATE_STORE": "memory", "INTAKE": "first"}
    intakes.register("first", max_file_size=100_000, receive=receive)
    before = process.begin()  # what is left unfinished keeps its room on the disk
    yield taken
    process.current().close()
    process._current = before
    intakes.unregister("first")


async def post(name: str, index: int, step: int = 10_000, client: str = "192.0.2.1", **more: str) -> tuple[int, Any]:
    """Sends a chunk; the status and content of the answer."""
    body, answer = DATA[index * step : (index + 1) * step], bytearray()
    headers = {
        "content-length": len(body),
        "x-upload-id": name,
        "x-chunk-index": index,
        "x-chunk-count": len(DATA) // step,
        "x-file-name": "a.dat",
        "x-file-size": len(DATA),
        **{key.replace("_", "-"): value for key, value in more.items()},
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        else:
            answer.extend(message["body"])

    raw = [(key.encode(), str(value).encode()) for key, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/api/upload-chunk", "query_string": b"", "headers": raw}
    scope["client"] = (client, 1)
    await Chunks()(scope, receive, send)
    return statuses[0], json.loads(answer)


async def test_what_is_here_already_is_not_kept_again(got: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    assert await post("again", 0) == (200, {"success": True, "chunksReceived": 1})

    def spooled(*_: Any) -> None:
        raise AssertionError("it is spooled")

    monkeypatch.setattr("uploads.http.chunked.endpoint.spooled", spooled)
    assert await post("again", 0) == (200, {"success": True, "chunksReceived": 1})


async def test_a_chunk_that_comes_twice_at_once_counts_twice(got: list[bytes], settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OWNER_BYTES": 15_000}
    chunk = Chunk("twice", 0, 3, "a.dat", len(DATA), 10_000)
    coming = Coming()
    async with coming.enter("id", chunk, "eve"), coming.enter("id", chunk, "eve"):
        with pytest.raises(UploadError) as refused:
            async with coming.enter("id", chunk, "eve"):
                raise AssertionError("it is received")
        assert refused.value.code == "quota"
        assert here(Ledger).of("eve") == (10_000, 1)
    async with coming.enter("id", chunk, "eve"):
        assert here(Ledger).of("eve") == (0, 0)


async def test_the_disk_is_reserved_for_the_whole_file(got: list[bytes]) -> None:
    await post("whole", 0)
    assert here(Ledger).awaited == 20_000
    await post("whole", 1)
    assert here(Ledger).awaited == 10_000
    await post("whole", 2)
    assert here(Ledger).awaited == 0


async def test_a_first_chunk_that_cannot_be_recorded_reserves_nothing(
    got: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = get_store()
    monkeypatch.setattr(store, "save", Mock(side_effect=OSError))
    with pytest.raises(OSError):
        await post("lost", 0)

    assert here(Ledger).awaited == 0
    assert not any(usage.files for usage in here(Ledger)._owners.values())


async def test_strangers_who_choose_the_same_id_have_an_upload_each(got: list[bytes]) -> None:
    mine, others = {"user-agent": "mine"}, {"user-agent": "another"}
    await post("holiday", 0, **mine)
    assert (await post("holiday", 1, **others))[1]["chunksReceived"] == 1
    assert (await post("holiday", 1, client="192.0.2.2", **mine))[1]["chunksReceived"] == 1
    await post("holiday", 1, **mine)
    assert "fileGuid" in (await post("holiday", 2, **mine))[1]
    assert got == [DATA]


class Watched:
    """The store of records, whose saving waits at a gate."""

    def __init__(self, store: StateStore, gate: Gate) -> None:
        self.looks = 0
        self._store, self._gate = store, gate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def load(self, upload_id: str) -> Any:
        self.looks += 1
        return self._store.load(upload_id)

    def save(self, *arguments: Any) -> None:
        self._gate()
        self._store.save(*arguments)


async def test_chunks_that_wait_for_the_record_of_the_first_hold_no_thread(
    got: list[bytes], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread that is waiting is one that the uploads of all other visitors haven't got."""
    watched = Watched(records.store(), gate)
    monkeypatch.setattr(records, "store", lambda: watched)
    monkeypatch.setattr(part_file, "FRESH", 3600.0)
    first = asyncio.ensure_future(post("waits", 0))
    await asyncio.to_thread(gate.wait)
    looks = watched.looks
    waiting = [asyncio.ensure_future(post("waits", index % 3)) for index in range(2 * threads.QUICK)]
    await asyncio.to_thread(
        until, lambda: watched.looks >= looks + threads.QUICK - 1
    )  # the first one has a thread as well

    async with asyncio.timeout(PATIENCE):
        assert await threads.check(lambda: "a bystander") == "a bystander"
    assert not any(one.done() for one in waiting)

    gate.open()
    answers = await asyncio.gather(first, *waiting)
    assert {status for status, _ in answers} == {200}
    assert got == [DATA]


async def test_a_record_that_cannot_be_saved_leaves_nothing(
    got: list[bytes], staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ConnectionError("no database")

    with monkeypatch.context() as patched:
        patched.setattr(records.store(), "save", fail)
        with pytest.raises(ConnectionError):
            await post("unsaved", 0)
    assert staged() == []

    assert [status for status, _ in [await post("unsaved", index) for index in range(3)]] == 3 * [200]
    assert got == [DATA]


async def test_what_nobody_knows_any_more_is_in_nobodys_way(got: list[bytes], staged: Staged) -> None:
    """A crash before the record is there leaves the same as a record that has expired: a file and a map."""
    assert (await post("expired", 0))[1] == {"success": True, "chunksReceived": 1}
    upload_id = staged()[0]
    records.store().forget(upload_id)
    for path in conf().staging_dir.iterdir():
        os.utime(path, (0, path.stat().st_mtime - 2 * part_file.FRESH))

    answers = [await post("expired", index, step=15_000) for index in range(2)]  # even with another size

    assert answers[0] == (200, {"success": True, "chunksReceived": 1})
    assert answers[1][0] == 200 and got == [DATA]
    assert staged() == []


async def test_each_chunk_puts_off_the_end_of_its_upload(got: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file on a slow line takes longer than an upload may stay parked."""
    put_off: list[float] = []
    await post("long", 0)
    monkeypatch.setattr(records.store(), "touch", lambda _upload_id, ttl: put_off.append(ttl))

    await post("long", 1)

    assert put_off == [conf().upload_state_ttl]


def test_a_map_whose_file_is_gone_gets_no_other_file(folders: Any) -> None:
    """A sweep removes one after the other. A new file between the two would be taken for whole where it is empty."""
    parts = part_file.PartFile("a" * 32)
    assert parts.create(20, 10, 2)
    assert parts.place(0, 10, io.BytesIO(b"0123456789")) == 1
    parts.path.unlink()

    assert not parts.create(20, 10, 2)

    assert not parts.path.exists()
    with pytest.raises(UploadError) as refused:
        parts.place(1, 10, io.BytesIO(b"0123456789"))
    assert refused.value.code == "unknown_ref", "so that the client begins again"
    parts.remove()


def test_a_file_with_a_hole_is_never_taken_for_whole(folders: Any) -> None:
    """Whoever counted all chunks may have counted those of a file that went meanwhile, with a new one in its place."""
    parts = part_file.PartFile("b" * 32)
    assert parts.create(20, 10, 2)
    assert parts.place(0, 10, io.BytesIO(b"0123456789")) == 1

    with pytest.raises(UploadError) as refused:
        parts.seal()

    assert refused.value.code == "unknown_ref"
    assert parts.place(1, 10, io.BytesIO(b"0123456789")) == 2, "it isn't sealed"
    parts.seal()
    assert parts.path.read_bytes() == b"0123456789" * 2
    parts.remove()


def test_a_map_that_was_removed_while_somebody_waited_for_it_counts_for_nothing(folders: Any) -> None:
    parts = part_file.PartFile("c" * 32)
    assert parts.create(20, 10, 2)
    with parts._locked(fcntl.LOCK_EX):
        waiting = threading.Thread(target=lambda: told.append(_code(lambda: parts.place(0, 10, io.BytesIO(bytes(10))))))
        told: list[str] = []
        waiting.start()
        until(lambda: _waits_for_a_lock(parts.map))
        parts.remove()
        assert part_file.PartFile("c" * 32).create(20, 10, 2)
    waiting.join()

    assert told == ["unknown_ref"]
    assert parts.path.read_bytes() == bytes(20)
    parts.remove()


def _code(act: Callable[[], object]) -> str:
    try:
        act()
    except UploadError as refused:
        return refused.code
    return ""


def _waits_for_a_lock(path: Path) -> bool:
    """The kernel lists who waits for a lock behind an arrow."""
    number = f":{path.stat().st_ino} "
    return any("->" in line and number in line for line in Path("/proc/locks").read_text().splitlines())
