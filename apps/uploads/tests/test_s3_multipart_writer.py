"""The shipped S3 writers, by the rules of multipart uploads, against a server that keeps them."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest

from uploads import UploadError
from uploads.entries import UploadEntry
from uploads.keeper import Keeper
from uploads.names import parse_name
from uploads.s3.multipart import ResumableS3Writer, S3MultipartWriter
from uploads.s3.options import MIB, SMALLEST_PART
from uploads.s3.parts import PartUploads, part_size
from uploads.slots import Accept, Slot
from uploads.stores import InMemoryUploadState, Record
from uploads.writers.causes import cancelled

from .faults import S3Faults, lose_answer, reset, status
from .moto import Moto
from .support import Gate, until

PART = SMALLEST_PART
DATA = random.Random(3).randbytes(2 * PART + 700_000)  # three parts
ID = "0123456789abcdef0123456789abcdef"
KEY = f"uploads/{ID}/film.txt"
STEP = 1_000_000


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as moto:
        yield moto


@pytest.fixture
def s3(moto: Moto, settings: Any, tmp_path: Any) -> Iterator[S3Faults]:
    """The storage, through a proxy that a test may have fail. Nothing may be left unfinished in it."""
    moto.reset()
    with S3Faults(moto.url) as s3:
        options = {**moto.options(s3.url), "PART_SIZE": PART, "ATTEMPTS": 2, "READ_TIMEOUT": 20}
        settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging", "S3": options}
        yield s3
    assert moto.unfinished() == []


def writer(kind: type[S3MultipartWriter] = S3MultipartWriter, size: int = len(DATA)) -> S3MultipartWriter:
    return kind(upload_id=ID, filename="film.txt", content_type="text/plain", expected_size=size)


def send(to: S3MultipartWriter, data: bytes = DATA, start: int = 0, end: int | None = None) -> None:
    stop = len(data) if end is None else end
    for at in range(start, stop, STEP):
        to.write_chunk(data[at : min(at + STEP, stop)])


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# -- The streaming writer


def test_the_object_is_the_file(s3: S3Faults, moto: Moto) -> None:
    one = writer()
    one.open()
    send(one)
    result = one.close()

    assert sha(moto.read(KEY)) == sha(DATA)
    assert result == {"bucket": moto.bucket, "key": KEY, "url": f"{s3.url}/{moto.bucket}/{KEY}", "size": len(DATA)}
    assert moto.client().head_object(Bucket=moto.bucket, Key=KEY)["ContentType"] == "text/plain"
    assert s3.count("PUT", "partNumber=") == 3


@pytest.mark.parametrize("size", [1, PART - 1, PART, PART + 1, 2 * PART])
def test_every_length_is_stored_whole(s3: S3Faults, moto: Moto, size: int) -> None:
    one = writer(size=size)
    one.open()
    send(one, DATA[:size])
    one.close()

    assert sha(moto.read(KEY)) == sha(DATA[:size])
    assert s3.count("PUT", "partNumber=") == math.ceil(size / PART)


def test_no_bytes_at_all_are_one_empty_part(s3: S3Faults, moto: Moto) -> None:
    one = writer(size=0)
    one.open()
    one.close()

    assert moto.read(KEY) == b""


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, 8 * MIB),
        (80_000 * MIB, 8 * MIB),
        (80_000 * MIB + 1, 8 * MIB + 1),
        (5_000_000 * MIB, 500 * MIB),
    ],
)
def test_a_file_never_has_more_parts_than_s3_takes(settings: Any, size: int, expected: int) -> None:
    settings.UPLOADS = {"S3": {"PART_SIZE": 8 * MIB}}

    assert part_size(size) == expected
    assert math.ceil(size / part_size(size)) <= 10_000


def test_the_limits_of_another_storage_are_settings(settings: Any) -> None:
    settings.UPLOADS = {"S3": {"PART_SIZE": 1, "MAX_PARTS": 100}}

    assert part_size(10) == SMALLEST_PART
    assert part_size(1000 * MIB + 5) == 10 * MIB + 1


def test_no_more_parts_are_under_way_than_allowed(s3: S3Faults, settings: Any, gate: Gate) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "S3": {**settings.UPLOADS["S3"], "PARALLEL_PARTS": 2}}
    parts = PartUploads(2)
    under_way: list[int] = []
    most: list[int] = []

    def upload(number: int) -> str:
        under_way.append(number)
        most.append(len(under_way))
        under_way.remove(number)
        return str(number)

    for number in range(1, 40):
        parts.send(number, lambda number=number: upload(number))
    parts.drain()

    assert max(most) <= 2
    assert parts.prefix() == 39


def test_a_part_that_is_missing_ends_the_prefix() -> None:
    parts = PartUploads(2)
    parts.etags.update({1: "a", 2: "b", 4: "d"})

    assert parts.prefix() == 2


# -- Failures


@pytest.mark.parametrize("fault", [status(500), status(503, "SlowDown"), reset])
@pytest.mark.parametrize(
    ("method", "part"), [("POST", "?uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId="), ("PUT", "partNumber=3")]
)
def test_a_failure_that_passes_is_not_noticed(s3: S3Faults, moto: Moto, method: str, part: str, fault: Any) -> None:
    s3.on(method, part, fault, times=1)
    one = writer()
    one.open()
    send(one)
    one.close()

    assert sha(moto.read(KEY)) == sha(DATA)


@pytest.mark.parametrize("fault", [status(500), status(403, "InvalidAccessKeyId"), status(403, "AccessDenied"), reset])
@pytest.mark.parametrize(("method", "part"), [("POST", "?uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId=")])
def test_a_failure_that_lasts_is_a_typed_error_and_leaves_nothing(
    s3: S3Faults, moto: Moto, method: str, part: str, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    s3.on(method, part, fault)
    one = writer()
    with pytest.raises(UploadError) as raised:
        one.open()
        send(one)
        one.close()
    one.abort(raised.value)

    assert raised.value == UploadError("storage_unavailable")
    assert moto.unfinished() == [] == moto.keys()
    assert "secret" not in caplog.text
    assert moto.bucket not in caplog.text


def test_a_storage_that_hangs_is_given_up(s3: S3Faults, moto: Moto, settings: Any, gate: Gate) -> None:
    settings.UPLOADS["S3"] |= {"READ_TIMEOUT": 0.5, "ATTEMPTS": 1}
    s3.on("PUT", "partNumber=2", lambda request: gate())
    one = writer()
    one.open()
    with pytest.raises(UploadError) as raised:
        send(one)
        one.close()
    s3.clear()
    settings.UPLOADS["S3"] |= {"READ_TIMEOUT": 30}
    one.abort(raised.value)

    assert raised.value.code == "storage_unavailable"


def test_a_storage_that_is_not_there_is_given_up(s3: S3Faults, moto: Moto, settings: Any) -> None:
    settings.UPLOADS["S3"] |= {"ENDPOINT_URL": "http://127.0.0.1:9"}
    one = writer()
    with pytest.raises(UploadError) as raised:
        one.open()
    one.abort(raised.value)

    assert raised.value.code == "storage_unavailable"


def test_after_a_failure_the_other_parts_are_waited_for(s3: S3Faults, moto: Moto, gate: Gate) -> None:
    s3.on("PUT", "partNumber=1", lambda request: gate())
    s3.on("PUT", "partNumber=2", status(403, "AccessDenied"))
    parts = PartUploads(3)
    one = writer()
    one.open()
    one.parts = parts
    send(one, end=2 * PART)
    until(lambda: parts._failure is not None)
    assert parts._running != set()
    gate.open()
    with pytest.raises(UploadError):
        one.close()

    assert parts._running == set()
    one.abort(UploadError("storage_unavailable"))


def test_a_lost_answer_to_the_last_request_is_no_failure(s3: S3Faults, moto: Moto) -> None:
    s3.on("POST", "uploadId=", lose_answer, times=1)
    one = writer()
    one.open()
    send(one)
    one.close()

    assert sha(moto.read(KEY)) == sha(DATA)


def test_an_abort_ends_the_multipart_upload_once_its_parts_have_arrived(s3: S3Faults, moto: Moto, gate: Gate) -> None:
    s3.on("PUT", "partNumber=1", lambda request: gate())
    one = writer()
    one.open()
    send(one, end=PART)
    gate.wait()
    gate.open()
    one.abort(cancelled())

    assert moto.unfinished() == [] == moto.keys()
    order = [method for method, path in s3.seen if "uploadId=" in path]
    assert order == ["PUT", "DELETE"]


def test_an_abort_of_what_is_gone_is_none(s3: S3Faults, moto: Moto) -> None:
    one = writer()
    one.open()
    one.abort(cancelled())
    one.abort(cancelled())


def test_an_object_that_nobody_consumed_is_removed(s3: S3Faults, moto: Moto) -> None:
    one = writer()
    one.open()
    send(one)
    S3MultipartWriter.discard(one.close())

    assert moto.keys() == []


# -- The resumable writer, driven as an entry does it


class Sessions:
    """One upload that is interrupted and goes on: each entry is that of another process."""

    def __init__(self) -> None:
        self.store = InMemoryUploadState()
        self.store.save(Record(ID, "visitor:me", "/", "film", "film.txt", len(DATA)), 1000)

    def entry(self, size: int = len(DATA)) -> UploadEntry:
        slot = Slot(
            name="film", accept=Accept.parse(".txt"), max_file_size=10**9, resumable=True, writer=ResumableS3Writer
        )
        entry = UploadEntry(ID, "ref", slot, parse_name("film.txt"), size)
        record = self.store.load(ID)
        lease = self.store.acquire(ID, "page", 1000)
        assert record is not None and lease is not None
        entry.keeper = Keeper(self.store, lease, 1000, record)
        return entry

    def resumed(self) -> UploadEntry:
        entry = self.entry()
        entry.reopen()
        return entry


@pytest.fixture
def sessions(s3: S3Faults) -> Sessions:
    return Sessions()


def feed(entry: UploadEntry, end: int = len(DATA), data: bytes = DATA) -> None:
    for at in range(entry.upload.received, end, STEP):
        chunk = data[at : min(at + STEP, end)]
        entry.receive(at, len(chunk))
        entry.look(chunk)
        entry.write([chunk])
        entry.written(len(chunk))


def crash(entry: UploadEntry) -> None:
    """What a killed process does: nothing. Its requests that are under way may still arrive."""
    from uploads.writers import driver

    writer = entry._driver._writer  # type: ignore[union-attr]
    if writer is not None:
        writer.parts.settle()  # type: ignore[attr-defined]
    driver._live.pop(ID, None)


def finish(entry: UploadEntry) -> None:
    assert entry.seal()
    entry.check()


def test_only_whole_parts_are_durable(sessions: Sessions) -> None:
    entry = sessions.entry()
    feed(entry, PART + 10)
    crash(entry)
    feed(entry, PART + 20)

    assert (entry.upload.written, entry.upload.durable) == (PART + 20, PART)
    assert sessions.store.get_offset(ID) == PART
    entry.discard()


def test_another_process_goes_on_after_the_last_whole_part(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    first = sessions.entry()
    feed(first, 2 * PART - 5)
    crash(first)
    second = sessions.resumed()
    assert second.upload.durable == second.upload.received == PART

    feed(second)
    finish(second)

    assert sha(moto.read(KEY)) == sha(DATA)
    assert second.sha256 == sha(DATA)
    assert s3.count("POST", "?uploads") == 1


def test_the_browser_can_check_its_file_before_it_goes_on(sessions: Sessions) -> None:
    first = sessions.entry()
    feed(first, PART + 5)
    crash(first)
    second = sessions.resumed()

    assert second.tail == (sha(DATA[PART - 65_536 : PART]), 65_536)
    second.discard()


@pytest.mark.parametrize("end", [1, PART - 1, PART, PART + 1, 2 * PART + 1, len(DATA) - 1, len(DATA)])
def test_wherever_it_stops_it_ends_up_whole(sessions: Sessions, s3: S3Faults, moto: Moto, end: int) -> None:
    first = sessions.entry()
    feed(first, end)
    crash(first)
    second = sessions.resumed()
    assert second.upload.durable == end // PART * PART

    feed(second)
    finish(second)

    assert sha(moto.read(KEY)) == sha(DATA)
    assert second.sha256 == sha(DATA)
    assert s3.count("POST", "?uploads") == 1


def test_it_can_be_interrupted_again_and_again(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    entry = sessions.entry()
    for end in (3_000_000, PART + 100, PART + 200, 2 * PART + 1, 2 * PART + 500_000):
        feed(entry, end)
        crash(entry)
        entry = sessions.resumed()
    feed(entry)
    finish(entry)

    assert sha(moto.read(KEY)) == sha(DATA)
    assert s3.count("POST", "?uploads") == 1


def test_parts_behind_a_gap_do_not_count(sessions: Sessions, moto: Moto) -> None:
    first = sessions.entry()
    feed(first, 2 * PART)
    crash(first)
    # What S3 has when the first of two parallel parts was lost: made here by an upload that has only the second.
    state = sessions.store.load(ID).writer["state"]  # type: ignore[union-attr]
    client = moto.client()
    client.abort_multipart_upload(Bucket=moto.bucket, Key=KEY, UploadId=state["multipart"])
    other = client.create_multipart_upload(Bucket=moto.bucket, Key=KEY)["UploadId"]
    client.upload_part(Bucket=moto.bucket, Key=KEY, UploadId=other, PartNumber=2, Body=b"x" * PART)
    first.keeper.record_writer({"type": "text/plain", "state": {**state, "multipart": other}})  # type: ignore[union-attr]

    second = sessions.resumed()
    assert second.upload.durable == 0
    feed(second)
    finish(second)

    assert sha(moto.read(KEY)) == sha(DATA)
    assert second.sha256 == sha(DATA)


def test_a_part_of_the_wrong_size_does_not_count(sessions: Sessions, moto: Moto) -> None:
    first = sessions.entry()
    feed(first, PART)
    crash(first)
    state = sessions.store.load(ID).writer["state"]  # type: ignore[union-attr]
    moto.client().upload_part(
        Bucket=moto.bucket, Key=KEY, UploadId=state["multipart"], PartNumber=1, Body=DATA[: PART - 1]
    )
    second = sessions.resumed()

    assert second.upload.durable == 0
    feed(second)
    finish(second)
    assert sha(moto.read(KEY)) == sha(DATA)


def test_an_upload_that_was_complete_when_its_process_died_is_complete(
    sessions: Sessions, s3: S3Faults, moto: Moto
) -> None:
    first = sessions.entry()
    feed(first)
    finish(first)
    crash(first)
    second = sessions.resumed()
    assert second.upload.durable == len(DATA)
    finish(second)

    assert second.writer_result["key"] == KEY
    assert second.sha256 == sha(DATA)
    assert s3.count("POST", "uploadId=") == 1


@pytest.mark.parametrize("left", [b"", b"another object"])
def test_a_multipart_upload_that_is_gone_is_no_finished_one(sessions: Sessions, moto: Moto, left: bytes) -> None:
    first = sessions.entry()
    feed(first, PART + 1)
    crash(first)
    state = sessions.store.load(ID).writer["state"]  # type: ignore[union-attr]
    moto.client().abort_multipart_upload(Bucket=moto.bucket, Key=KEY, UploadId=state["multipart"])
    if left:
        moto.client().put_object(Bucket=moto.bucket, Key=KEY, Body=left)
    with pytest.raises(UploadError) as raised:
        sessions.resumed()

    assert raised.value.code == "unknown_ref"


def test_a_storage_that_does_not_answer_keeps_what_it_has(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    first = sessions.entry()
    feed(first, PART + 1)
    crash(first)
    s3.on("GET", "uploadId=", status(503, "SlowDown"))
    with pytest.raises(UploadError) as raised:
        sessions.resumed()
    assert raised.value.code == "locked"

    s3.clear()
    second = sessions.resumed()
    assert second.upload.durable == PART
    feed(second)
    finish(second)
    assert sha(moto.read(KEY)) == sha(DATA)


def test_the_handle_is_kept_before_the_first_byte(sessions: Sessions, s3: S3Faults) -> None:
    seen: list[Any] = []
    s3.on("PUT", "partNumber=1", lambda request: seen.append(sessions.store.load(ID)))
    entry = sessions.entry()
    feed(entry, PART)
    until(lambda: seen)

    assert seen[0].writer["state"]["multipart"]
    assert seen[0].writer["state"]["key"] == KEY
    entry.discard()


def test_a_record_never_outgrows_its_store(sessions: Sessions, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "S3": {**settings.UPLOADS["S3"], "PARALLEL_PARTS": 100}}
    one = writer(ResumableS3Writer, 100 * PART)
    one.open()
    for number in range(1, 60):
        one.resume_state["tails"].update({str(number * 10**12): ("f" * 64, 65_536)})  # type: ignore[attr-defined]
    one.on_part(DATA[:PART], 1)
    one.abort(cancelled())

    record = Record(ID, "visitor:" + "x" * 50, "/" * 200, "film", "n" * 255, 1, writer={"type": "", "state": {}})
    state = {**one.resume_state, "multipart": "m" * 200, "key": "k" * 400}  # type: ignore[attr-defined]
    assert len(Record(**{**_fields(record), "writer": {"type": "t" * 100, "state": state}}).to_json()) < 4096


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def test_a_digest_that_cannot_be_told_is_none(sessions: Sessions, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResumableS3Writer, "reads_back", False)
    first = sessions.entry()
    feed(first, PART + 1)
    crash(first)
    second = sessions.resumed()
    feed(second)
    finish(second)

    assert second.sha256 == ""
    assert sha(moto.read(KEY)) == sha(DATA)


def test_two_processes_at_once_cannot_spoil_it(sessions: Sessions, s3: S3Faults, moto: Moto, gate: Gate) -> None:
    """The first still has a part under way when the second goes on: the same bytes for the same place."""
    first = sessions.entry()
    s3.on("PUT", "partNumber=2", lambda request: gate(), times=1)
    feed(first, 2 * PART)
    gate.wait()
    crash_at_once(first)
    second = sessions.resumed()
    feed(second, 2 * PART)
    gate.open()
    first._driver._writer.parts.settle()  # type: ignore[union-attr]
    feed(second)
    finish(second)

    assert sha(moto.read(KEY)) == sha(DATA)


def crash_at_once(entry: UploadEntry) -> None:
    from uploads.writers import driver

    driver._live.pop(entry.upload.id, None)
