"""A bucket that is full, forbidden or away at any step, what is there without its other half, and two at one file."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liveview import process
from uploads.entries import drive
from uploads.errors import UploadError
from uploads.s3 import pruning, staged, staging
from uploads.s3.chunks import ChunkObjects
from uploads.stores import Record
from uploads.tests.faults import S3Faults, failing, reset, status
from uploads.tests.moto import Moto
from uploads.tests.staging.test_contract import ID, MIB, Upload
from uploads.tests.support import until

PART = 5 * MIB
LONG, SHORT = 6 * MIB, 70_000
FAULTS = {
    "full": status(507, "InsufficientStorage"),
    "quota": status(403, "QuotaExceeded"),
    "forbidden": status(403, "AccessDenied"),
    "busy": status(503, "ServiceUnavailable"),
    "away": reset,
}
STEPS = {  # bytes, and the request that fails
    "begin": (LONG, "POST", "?uploads"),
    "part": (LONG, "PUT", "partNumber=1"),
    "last part": (LONG, "PUT", "partNumber=2"),
    "end": (LONG, "POST", "uploadId="),
    "short": (SHORT, "PUT", f"staged/{ID}"),
}
s3 = failing({"STAGING": "bucket"}, PART_SIZE=PART, ATTEMPTS=1, READ_TIMEOUT=20)


@pytest.fixture(autouse=True)
def impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "PAUSE", 0.01)
    if "fault" in request.fixturenames:
        monkeypatch.setattr(staging, "PATIENCE", 0.05)
        monkeypatch.setattr(staging, "PARTING", 0.05)


@pytest.fixture(autouse=True)
def nothing_is_left(moto: Moto, s3: S3Faults) -> Iterator[None]:
    yield
    until(lambda: moto.keys() == moto.unfinished() == [])


def goes_wrong(upload: Upload, entry: Any) -> str:
    """Sends all; the code of what ends that, or is told instead of "ready"."""
    try:
        upload.feed(entry)
    except UploadError as failure:
        assert failure.passes
        return failure.code
    outcome = drive.settle(entry)
    assert isinstance(outcome, drive.Postponed), outcome
    return outcome.error.code


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bucket_that_fails_at_any_step_ends_nothing(
    s3: S3Faults, monkeypatch: pytest.MonkeyPatch, fault: str, step: str
) -> None:
    size, method, part = STEPS[step]
    upload = Upload(size)
    entry = upload.entry()
    s3.on(method, part, FAULTS[fault])

    assert goes_wrong(upload, entry) == "storage_unavailable"
    assert entry.path.exists() and not entry.is_over
    s3.clear()

    monkeypatch.setattr(staging, "PATIENCE", 60.0)
    entry.restart()
    entry.sink._patience = 60.0
    assert entry.upload.received >= entry.upload.durable
    upload.feed(entry)
    upload.ends_up_whole(entry)
    entry.discard()


@pytest.mark.parametrize("fault", FAULTS)
def test_one_that_is_given_up_while_the_bucket_fails_is_swept_later(
    s3: S3Faults, settings: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    upload = Upload(LONG)
    monkeypatch.setattr(pruning, "get_store", lambda: upload.store)
    entry = upload.entry()
    upload.feed(entry)
    for method in ("DELETE", "GET"):
        s3.on(method, "", FAULTS[fault])
    entry.cancel()
    entry.discard()
    until(lambda: s3.count("DELETE", "uploadId="))
    assert not entry.path.exists()
    s3.clear()
    settings.UPLOADS = {**settings.UPLOADS, "STALE_AFTER": -10, "UPLOAD_STATE_TTL": -10}
    upload.store.forget(ID)

    assert pruning.prune() == 1


def test_a_slow_bucket_slows_its_uploads_down_and_nothing_else(s3: S3Faults) -> None:
    s3.on("PUT", "partNumber=", lambda request: time.sleep(0.4))  # how slow it is; the test waits for no time
    upload = Upload(11 * MIB)
    entry = upload.entry()
    upload.feed(entry)

    assert len(upload.data) - entry.sink.durable <= 2 * PART  # what waits for it is bounded
    upload.ends_up_whole(entry)
    entry.discard()


# One half without the other


@pytest.fixture
def elsewhere(settings: Any, tmp_path: Path) -> Callable[[], None]:
    def move() -> None:
        process.begin()
        settings.UPLOADS = {**settings.UPLOADS, "STAGING_DIR": tmp_path / "another machine"}

    return move


@pytest.mark.parametrize("size", [LONG, SHORT])
def test_a_record_of_a_whole_file_whose_bytes_are_gone_starts_over(
    moto: Moto, s3: S3Faults, elsewhere: Callable[[], None], size: int
) -> None:
    upload = Upload(size)
    first = upload.entry()
    upload.feed(first)
    upload.ends_up_whole(first)
    first.park()
    moto.client().delete_object(Bucket=moto.bucket, Key=f"uploads/staged/{ID}")
    elsewhere()

    with pytest.raises(UploadError) as raised:
        upload.resumed()

    assert raised.value.code == "unknown_ref"
    upload.entry().discard()


def test_chunks_that_no_record_knows_are_swept_when_they_are_old(
    s3: S3Faults, moto: Moto, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Upload(SHORT).store
    monkeypatch.setattr(pruning, "get_store", lambda: store)
    known, unknown = "a" * 32, "b" * 32
    store.save(Record(known, "visitor:me", "/", "film", "film.bin", 2), 1000)
    for upload_id in (known, unknown):
        chunks = ChunkObjects(upload_id, 3, 1, 0)
        for index in range(2):
            chunks.place(index, 1, io.BytesIO(b"x"))
    moto.client().put_object(Bucket=moto.bucket, Key="uploads/chunks/notes.txt", Body=b"somebody's")
    assert pruning.prune_staged() == 0  # they are young

    settings.UPLOADS = {**settings.UPLOADS, "STALE_AFTER": -10, "UPLOAD_STATE_TTL": -10}
    assert pruning.prune_staged() == 1
    assert moto.keys() == [*(f"uploads/chunks/{known}/0000{index}" for index in range(2)), "uploads/chunks/notes.txt"]

    store.forget(known)
    assert pruning.prune_staged() == 1
    moto.client().delete_object(Bucket=moto.bucket, Key="uploads/chunks/notes.txt")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_chunk_that_the_bucket_does_not_take_is_told_and_may_come_again(s3: S3Faults, moto: Moto, fault: str) -> None:
    chunks = ChunkObjects(ID, 2, 3, 0)
    s3.on("PUT", "chunks/", FAULTS[fault])
    with pytest.raises(UploadError) as raised:
        chunks.place(0, 3, io.BytesIO(b"abc"))
    assert raised.value.code == "storage_unavailable"
    s3.clear()

    assert chunks.place(0, 3, io.BytesIO(b"abc")) == 1
    assert chunks.place(1, 3, io.BytesIO(b"de")) == 2
    assert b"".join(chunks.pieces(1)) == b"bcde"
    chunks.remove()


# Two at one file


def test_a_machine_that_wakes_up_late_spoils_nothing_of_who_went_on(
    s3: S3Faults, moto: Moto, elsewhere: Callable[[], None]
) -> None:
    """It has lost the upload, and doesn't know yet. What it sends there, whatever it is, is sent over once more."""
    upload = Upload(11 * MIB)
    asleep = upload.entry()
    upload.feed(asleep, PART + MIB)
    until(lambda: asleep.sink.durable == PART)
    elsewhere()
    second = upload.resumed()
    upload.feed(second, 2 * PART)
    until(lambda: second.sink.durable == 2 * PART)  # Moto answers 500 to two who send one part at a time

    upload.data = bytes(11 * MIB)
    upload.feed(asleep, 2 * PART)
    until(lambda: asleep.sink.durable == 2 * PART)
    asleep.discard()

    upload.data = Upload(11 * MIB).data
    upload.feed(second)
    upload.ends_up_whole(second)
    assert hashlib.sha256(moto.read(staged.key_of(ID))).hexdigest() == second.sha256
    second.discard()
