"""The resumable S3 writer, driven as an entry does it."""

from __future__ import annotations

from typing import Any

import pytest

from liveview import process
from uploads import UploadError
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.s3.multipart import ResumableS3Writer
from uploads.stores import InMemoryUploadState, Record
from uploads.stores.hold import StoredHold
from uploads.tests.faults import S3Faults, status
from uploads.tests.moto import Moto
from uploads.tests.s3.multipart.film import DATA, ID, KEY, PART, STEP, writer
from uploads.tests.support import Gate, sha, until
from uploads.writers.causes import cancelled


class Sessions:
    """One upload that is parked and resumed: each entry is that of another process."""

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
        entry.hold = StoredHold(self.store, lease, 1000, record)
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
        assert isinstance(drive.feed(entry, chunk, at), drive.Write)
        drive.commit(entry, [chunk])


def crash(entry: UploadEntry) -> None:
    """What a killed process does: nothing. Its requests that are under way may still arrive."""
    writer = entry.sink._writer  # type: ignore[attr-defined]
    if writer is not None:
        writer.parts.settle()  # type: ignore[attr-defined]
    process.begin()


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
    first.hold.record_writer({"type": "text/plain", "state": {**state, "multipart": other}})  # type: ignore[union-attr]

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
    """The first still has a part under way when the second resumes: the same bytes for the same place."""
    first = sessions.entry()
    s3.on("PUT", "partNumber=2", lambda request: gate(), times=1)
    feed(first, 2 * PART)
    gate.wait()
    crash_at_once(first)
    second = sessions.resumed()
    feed(second, 2 * PART)
    gate.open()
    first.sink._writer.parts.settle()  # type: ignore[union-attr]
    feed(second)
    finish(second)

    assert sha(moto.read(KEY)) == sha(DATA)


def crash_at_once(entry: UploadEntry) -> None:
    process.begin()
