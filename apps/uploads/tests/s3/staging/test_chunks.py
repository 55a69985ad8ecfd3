"""A file in numbered chunks, put together from the bucket: whatever happens meanwhile, no chunk has to come again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from liveview import process
from uploads import UploadEntry, intakes
from uploads.errors import UploadError
from uploads.http.chunked import endpoint
from uploads.http.shared import finishing, records
from uploads.stores import Record, get_store
from uploads.tests.faults import S3Faults, failing, reset
from uploads.tests.faults import status as answering
from uploads.tests.http.chunked.test_first_chunks import DATA, post
from uploads.tests.moto import Moto
from uploads.tests.support import Gate, until

SILENCE = 0.3  # seconds
s3 = failing({"STAGING": "bucket", "UPLOAD_STATE_STORE": "memory", "INTAKE": "parcel", "SILENCE": SILENCE}, ATTEMPTS=1)


@pytest.fixture
def got(s3: S3Faults, moto: Moto) -> Iterator[list[bytes]]:
    """What the intake has been given."""
    taken: list[bytes] = []

    def receive(entry: UploadEntry, _owner: str) -> str:
        taken.append(entry.path.read_bytes())
        return f"parcel {len(taken)}"

    intakes.register("parcel", max_file_size=100_000, receive=receive)
    before = process.begin()
    yield taken
    until(lambda: moto.keys() == moto.unfinished() == [])
    process.current().close()
    process._current = before
    intakes.unregister("parcel")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the uploads that have a record."""
    ids: list[str] = []
    save = get_store().save

    def saved(record: Record, ttl: float) -> None:
        ids.append(record.id)
        save(record, ttl)

    monkeypatch.setattr(get_store(), "save", saved)
    return ids


async def test_a_bucket_that_is_slow_to_give_them_back_lets_nobody_else_begin(
    got: list[bytes], known: list[str], s3: S3Faults
) -> None:
    """The server works, and isn't silent."""
    for index in range(2):
        await post("slow", index)
    gate = Gate()
    s3.on("GET", "/00001", gate, times=1)
    last = asyncio.ensure_future(post("slow", 2))
    await asyncio.to_thread(gate.wait)

    end = time.monotonic() + 4 * SILENCE
    while time.monotonic() < end:
        assert get_store().acquire(known[0], "another machine", 1) is None
        await asyncio.sleep(SILENCE / 10)
    gate.open()

    status, answer = await last
    assert (status, got) == (200, [DATA]), answer


async def test_a_machine_that_has_lost_the_upload_leaves_the_chunks_to_whoever_has_it(
    got: list[bytes], known: list[str], s3: S3Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(2):
        await post("lost", index)
    gate, store = Gate(), get_store()
    s3.on("GET", "/00001", gate, times=1)
    last = asyncio.ensure_future(post("lost", 2))
    await asyncio.to_thread(gate.wait)
    with monkeypatch.context() as patched:  # as after a pause of all of it
        patched.setattr(store, "renew", lambda *_: False)
        while store.acquire(known[0], "another machine", 0.2) is None:  # noqa: ASYNC110  (it is a lease)
            await asyncio.sleep(0.02)
    gate.open()

    status, answer = await last  # once the other one has gone

    assert (status, got) == (200, [DATA]), answer
    assert "fileGuid" in answer


async def test_the_last_chunk_comes_again_after_the_file_was_taken_and_nobody_could_write_that_down(
    got: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = get_store().replace

    def away(record: Record) -> None:
        if records.is_done(record):
            raise UploadError("storage_unavailable")
        replace(record)

    for index in range(2):
        await post("taken", index)
    with monkeypatch.context() as patched:
        patched.setattr(get_store(), "replace", away)
        patched.setattr(endpoint, "PATIENCE", 0.1)
        patched.setattr(finishing, "PATIENCE", 0.1)
        status, _answer = await post("taken", 2)
    assert (status, got) == (503, [DATA])

    status, answer = await post("taken", 2)

    assert (status, answer["fileGuid"], got) == (200, "parcel 1", [DATA])


async def test_a_chunk_that_is_here_waits_while_what_it_needs_is_away(
    got: list[bytes], s3: S3Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was told so would send it again, once a second."""
    monkeypatch.setattr(endpoint, "TRY_EVERY", 0.02)
    load, failures = get_store().load, [UploadError("storage_unavailable") for _ in range(2)]

    def away(upload_id: str) -> Record | None:
        if failures:
            raise failures.pop()
        return load(upload_id)

    monkeypatch.setattr(get_store(), "load", away)
    for method, part in (("GET", "chunks/"), ("PUT", "chunks/"), ("GET", "/00001"), ("PUT", "staged/")):
        s3.on(method, part, reset, times=2)

    answers = [await post("patient", index) for index in range(3)]

    assert [status for status, _ in answers] == [200] * 3
    assert not failures
    assert got == [DATA]


async def test_a_bucket_that_says_no_is_not_waited_for(got: list[bytes], s3: S3Faults) -> None:
    s3.on("PUT", "chunks/", answering(403, "AccessDenied"), times=1)
    began = time.monotonic()
    status, _answer = await post("refused", 0)
    assert status == 503 and time.monotonic() - began < endpoint.PATIENCE / 2
    for index in range(3):
        await post("refused", index)
    assert got == [DATA]
