"""What is short of a part when an upload is interrupted survives beside the parts, and nothing of it stays."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from uploads import UploadError, janitor
from uploads.entries import UploadEntry
from uploads.keeper import Keeper
from uploads.names import parse_name
from uploads.s3 import pruning, tails
from uploads.s3.events import upload_id_of
from uploads.s3.multipart import TAIL, ResumableS3Writer
from uploads.s3.options import SMALLEST_PART
from uploads.s3.tails import Tail
from uploads.slots import Accept, Slot
from uploads.stores import InMemoryUploadState, Record
from uploads.writers import driver

from .faults import S3Faults, lose_answer, reset, status
from .moto import Moto
from .support import Gate, until
from .test_s3_multipart_writer import sha

PART = SMALLEST_PART
DATA = random.Random(5).randbytes(2 * PART + 700_000)  # three parts
ID = "fedcba9876543210fedcba9876543210"
OTHER = ID[::-1]
KEY = f"uploads/{ID}/film.txt"
STEP = 1_000_000


def name(start: int, end: int, upload_id: str = ID) -> str:
    return f"uploads/tails/{upload_id}.{start}-{end}"


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as moto:
        yield moto


@pytest.fixture
def s3(moto: Moto, settings: Any, tmp_path: Any) -> Iterator[S3Faults]:
    moto.reset()
    with S3Faults(moto.url) as s3:
        options = {**moto.options(s3.url), "PART_SIZE": PART, "ATTEMPTS": 1, "READ_TIMEOUT": 60}
        settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging", "S3": options}
        yield s3


class Sessions:
    """One upload that is interrupted and goes on: each entry is that of another process."""

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
        entry.keeper = Keeper(self.store, lease, 1000, record)
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
        """Of whoever goes on: the object is the file, from one multipart upload, and nothing else is there."""
        feed(entry)
        assert entry.seal()
        entry.check()
        assert sha(self.moto.read(KEY)) == sha(DATA) == entry.sha256
        assert self.s3.count("POST", "?uploads") == 1
        self.has_only(KEY)

    def has_only(self, *keys: str) -> None:
        assert self.moto.keys() == sorted(keys)
        assert self.moto.unfinished() == []


@pytest.fixture
def sessions(s3: S3Faults, moto: Moto) -> Sessions:
    return Sessions(s3, moto)


def feed(entry: UploadEntry, end: int = len(DATA)) -> None:
    for at in range(entry.upload.received, end, STEP):
        chunk = DATA[at : min(at + STEP, end)]
        entry.receive(at, len(chunk))
        entry.look(chunk)
        entry.write([chunk])
        entry.written(len(chunk))


def writer_of(entry: UploadEntry) -> ResumableS3Writer:
    writer = entry._driver._writer  # type: ignore[union-attr]
    assert isinstance(writer, ResumableS3Writer)
    return writer


def crash(entry: UploadEntry) -> None:
    """What a killed process does: nothing. Its requests that are under way may still arrive."""
    writer_of(entry).parts.settle()
    driver._live.pop(ID, None)


# -- Going on behind a tail


@pytest.mark.parametrize("end", [5_000, 70_001, PART - 1, PART, PART + 1, 2 * PART + 123_457, len(DATA) - 1, len(DATA)])
def test_no_byte_is_sent_again(sessions: Sessions, moto: Moto, end: int) -> None:
    sessions.interrupted(end)
    start = end // PART * PART
    assert moto.keys() == ([name(start, end)] if end > start else [])
    second = sessions.resumed()

    assert second.upload.received == second.upload.durable == end
    sessions.ends_up_whole(second)


@pytest.mark.parametrize("end", [5_000, 70_001, TAIL, PART, PART + 1, PART + TAIL - 1, PART + TAIL, PART + 2 * TAIL])
def test_the_browser_can_check_its_file_before_it_goes_on(sessions: Sessions, end: int) -> None:
    """Of as many bytes as at any other offset, also where the tail alone has fewer."""
    sessions.interrupted(end)
    second = sessions.resumed()

    length = min(TAIL, end)
    assert second.tail == (sha(DATA[end - length : end]), length)
    second.discard()


def test_it_can_be_interrupted_again_and_again(sessions: Sessions, moto: Moto) -> None:
    entry = sessions.entry()
    for end in (
        5_000,
        70_001,
        3_000_001,
        PART + 77_777,
        PART + 300_003,
        2 * PART - 1,
        2 * PART + 65_537,
        len(DATA) - 1,
    ):
        feed(entry, end)
        entry.park()
        assert moto.keys() == [name(end // PART * PART, end)]
        entry = sessions.resumed()
        assert entry.upload.received == end
    sessions.ends_up_whole(entry)


def test_without_a_new_byte_nothing_is_stored_again(sessions: Sessions, s3: S3Faults) -> None:
    sessions.interrupted(PART + 100_001)
    for _ in range(3):
        sessions.resumed().park()

    assert s3.count("PUT", "/tails/") == 1
    sessions.ends_up_whole(sessions.resumed())


def test_a_tail_of_which_the_browser_could_not_be_asked_is_not_kept(sessions: Sessions, moto: Moto) -> None:
    """After a crash nobody knows the bytes before it: until there are enough behind those, they are sent again."""
    first = sessions.entry()
    feed(first, PART + 1)
    crash(first)
    second = sessions.resumed()
    feed(second, PART + TAIL - 1)
    second.park()
    assert moto.keys() == []
    third = sessions.resumed()
    assert third.upload.received == PART
    assert third.tail == (sha(DATA[PART - TAIL : PART]), TAIL)
    feed(third, PART + TAIL)
    third.park()
    fourth = sessions.resumed()

    assert fourth.upload.received == PART + TAIL
    sessions.ends_up_whole(fourth)


def test_what_is_in_a_tail_is_durable_until_its_part_is(sessions: Sessions, s3: S3Faults, gate: Gate) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    s3.on("PUT", "partNumber=2", gate)
    feed(second, 2 * PART)
    gate.wait()

    assert second.upload.durable == writer_of(second).durable(2 * PART) == PART + 100_001
    assert s3.count("DELETE", "/tails/") == 0
    gate.open()
    writer_of(second).parts.settle()
    assert s3.count("DELETE", "/tails/") == 1
    feed(second, 2 * PART + 1)
    assert second.upload.durable == sessions.store.get_offset(ID) == 2 * PART
    sessions.ends_up_whole(second)


def test_whoever_comes_before_the_tail_is_there_waits(sessions: Sessions, s3: S3Faults, gate: Gate) -> None:
    """Nobody hears of bytes as there to stay before S3 has said so."""
    entry = sessions.entry()
    feed(entry, PART + 100_001)
    s3.on("PUT", "/tails/", gate)
    parking = Thread(target=entry.park)
    parking.start()
    gate.wait()
    with pytest.raises(UploadError) as raised:
        sessions.resumed()
    assert raised.value.code == "locked"
    gate.open()
    parking.join(60)
    second = sessions.resumed()

    assert second.upload.received == PART + 100_001
    sessions.ends_up_whole(second)


def test_a_subclass_can_do_without(sessions: Sessions, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ResumableS3Writer, "keeps_tails", False)
    sessions.interrupted(PART + 100_001)
    assert moto.keys() == []
    second = sessions.resumed()

    assert second.upload.received == PART
    sessions.ends_up_whole(second)


# -- Crashes between two calls


def test_a_crash_leaves_no_tail_and_the_parts(sessions: Sessions, moto: Moto) -> None:
    first = sessions.entry()
    feed(first, PART + 100_001)
    crash(first)
    assert moto.keys() == []
    second = sessions.resumed()

    assert second.upload.received == PART
    sessions.ends_up_whole(second)


@pytest.mark.parametrize("fault", [status(500), status(403, "AccessDenied"), reset])
def test_a_tail_that_was_not_stored_is_sent_again(sessions: Sessions, s3: S3Faults, moto: Moto, fault: Any) -> None:
    s3.on("PUT", "/tails/", fault)
    sessions.interrupted(PART + 100_001)
    assert moto.keys() == []
    assert (sessions.store.get_offset(ID) or 0) <= PART
    second = sessions.resumed()

    assert second.upload.received == PART
    assert second.tail == (sha(DATA[PART - TAIL : PART]), TAIL)
    sessions.ends_up_whole(second)


def test_a_tail_whose_answer_was_lost_counts(sessions: Sessions, s3: S3Faults) -> None:
    s3.on("PUT", "/tails/", lose_answer)
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()

    assert second.upload.received == PART + 100_001
    sessions.ends_up_whole(second)


def test_a_longer_tail_that_was_not_stored_leaves_the_shorter_one(sessions: Sessions, s3: S3Faults) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    feed(second, PART + 900_000)
    s3.on("PUT", "/tails/", status(500))
    second.park()
    third = sessions.resumed()

    assert third.upload.received == PART + 100_001
    assert third.tail == (sha(DATA[PART + 100_001 - TAIL : PART + 100_001]), TAIL)
    sessions.ends_up_whole(third)


def test_of_two_tails_the_longer_counts(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    """A crash after the longer one was stored, before the shorter one was removed."""
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    feed(second, PART + 900_000)
    s3.on("DELETE", "/tails/", reset)
    second.park()
    assert moto.keys() == [name(PART, PART + 100_001), name(PART, PART + 900_000)]
    s3.clear()
    third = sessions.resumed()

    assert third.upload.received == PART + 900_000
    assert moto.keys() == [name(PART, PART + 900_000)]
    sessions.ends_up_whole(third)


def test_a_tail_that_was_loaded_is_there_for_the_next(sessions: Sessions, moto: Moto) -> None:
    """A crash after it was loaded, and after more has come, before there was a part."""
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    feed(second, 2 * PART - 1)
    crash(second)
    assert moto.keys() == [name(PART, PART + 100_001)]
    third = sessions.resumed()

    assert third.upload.received == PART + 100_001
    sessions.ends_up_whole(third)


def test_a_tail_stays_where_its_part_could_not_be_stored(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    """A crash between the part that failed and the end of the upload."""
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    s3.on("PUT", "partNumber=2", status(500))
    feed(second, 2 * PART)
    crash(second)
    assert moto.keys() == [name(PART, PART + 100_001)]
    s3.clear()
    third = sessions.resumed()

    assert third.upload.received == PART + 100_001
    sessions.ends_up_whole(third)


def test_a_tail_whose_part_is_there_is_ignored_and_removed(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    """A crash after the part was stored, before the tail was removed."""
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    s3.on("DELETE", "/tails/", reset)
    feed(second, 2 * PART + 10)
    crash(second)
    assert moto.keys() == [name(PART, PART + 100_001)]
    s3.clear()
    third = sessions.resumed()

    assert third.upload.received == 2 * PART
    assert moto.keys() == []
    sessions.ends_up_whole(third)


def test_a_tail_that_could_not_be_removed_goes_when_the_upload_is_complete(sessions: Sessions, s3: S3Faults) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    s3.on("DELETE", "/tails/", status(500), times=1)

    sessions.ends_up_whole(second)


def test_a_tail_goes_though_the_process_died_right_after_the_upload_was_complete(
    sessions: Sessions, s3: S3Faults, moto: Moto
) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    s3.on("DELETE", "/tails/", reset)
    feed(second)
    assert second.seal()
    second.check()
    crash(second)
    assert moto.keys() == sorted([KEY, name(PART, PART + 100_001)])
    s3.clear()

    sessions.ends_up_whole(sessions.resumed())


def test_tails_that_cannot_be_removed_spoil_no_upload(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    s3.on("DELETE", "/tails/", status(503, "SlowDown"))
    s3.on("GET", "list-type=2", status(503, "SlowDown"))
    feed(second)
    assert second.seal()
    second.check()

    assert sha(moto.read(KEY)) == sha(DATA) == second.sha256


@pytest.mark.parametrize(("method", "part"), [("GET", "list-type=2"), ("GET", "/tails/")])
def test_a_storage_that_does_not_answer_keeps_what_it_has(
    sessions: Sessions, s3: S3Faults, moto: Moto, method: str, part: str
) -> None:
    sessions.interrupted(PART + 100_001)
    s3.on(method, part, status(503, "SlowDown"))
    with pytest.raises(UploadError) as raised:
        sessions.resumed()
    assert raised.value.code == "locked"
    assert moto.keys() == [name(PART, PART + 100_001)]
    s3.clear()
    second = sessions.resumed()

    assert second.upload.received == PART + 100_001
    sessions.ends_up_whole(second)


KILLED = f"""
import json, random, sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from django.conf import settings
settings.configure(UPLOADS={{"S3": json.loads(sys.argv[1])}}, MEDIA_ROOT="")
from uploads.s3.multipart import ResumableS3Writer
data = random.Random(5).randbytes({len(DATA)})
writer = ResumableS3Writer({ID!r}, "film.txt", "text/plain", len(data))
writer.resume_state = json.loads(sys.argv[2])
writer.open()
writer.write_chunk(data[writer.measure():{2 * PART - 5}])
print(json.dumps([writer.measure(), writer.resume_state]), flush=True)
if sys.argv[3] == "stop":
    writer.suspend()
print("over", flush=True)
sys.stdin.read()
"""


def test_processes_that_stop_leave_a_tail_and_killed_ones_none(sessions: Sessions, moto: Moto, settings: Any) -> None:
    state: dict[str, Any] = {}
    expected = [("kill", 0, []), ("stop", PART, [name(PART, 2 * PART - 5)]), ("kill", 2 * PART - 5, None)]
    for how, offset, left in expected:
        options = json.dumps(settings.UPLOADS["S3"])
        command = [sys.executable, "-c", KILLED, options, json.dumps(state), how]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            measured, state = json.loads(process.stdout.readline())
            assert process.stdout.readline() == "over\n"
            if how == "kill" and not offset:  # its first part, which it has begun to send
                until(partial(_has_part, moto, state))
            process.kill()
        assert measured == offset
        assert left is None or moto.keys() == left

    one = ResumableS3Writer(ID, "film.txt", "text/plain", len(DATA))
    one.resume_state = state
    one.open()
    assert one.measure() == 2 * PART - 5
    one.write_chunk(DATA[one.measure() :])
    one.close()
    assert sha(moto.read(KEY)) == sha(DATA) == one.sha256
    sessions.has_only(KEY)


def _has_part(moto: Moto, state: dict[str, Any]) -> bool:
    where = {"Bucket": state["bucket"], "Key": state["key"], "UploadId": state["multipart"]}
    return bool(moto.client().list_parts(**where).get("Parts"))


# -- Tails that are none


@pytest.mark.parametrize(
    ("start", "end", "size"),
    [
        (0, 100_001, 100_001),  # of another part
        (PART + 1, PART + 100_001, 100_000),
        (2 * PART, 2 * PART + 5, 5),
        (PART, PART + 100_001, 100_000),  # cut
        (PART, PART, 0),
        (PART, 2 * PART, PART),  # as long as a part
        (PART, len(DATA) + 1, 5),
    ],
)
def test_a_stale_tail_is_ignored_and_removed(sessions: Sessions, moto: Moto, start: int, end: int, size: int) -> None:
    first = sessions.entry()
    feed(first, PART + 5)
    crash(first)
    good = {"digest": "0" * 64, "length": "1"}
    moto.client().put_object(Bucket=moto.bucket, Key=name(start, end), Body=b"x" * size, Metadata=good)
    second = sessions.resumed()

    assert second.upload.received == PART
    assert moto.keys() == []
    sessions.ends_up_whole(second)


@pytest.mark.parametrize(
    "metadata", [{}, {"digest": "0" * 64}, {"digest": "0" * 63, "length": "1"}, {"digest": "0" * 64, "length": "-1"}]
)
def test_a_tail_that_we_have_not_written_is_none(sessions: Sessions, moto: Moto, metadata: dict[str, str]) -> None:
    sessions.interrupted(PART)
    moto.client().put_object(Bucket=moto.bucket, Key=name(PART, PART + 3), Body=b"abc", Metadata=metadata)

    second = sessions.resumed()
    assert second.upload.received == PART
    sessions.ends_up_whole(second)


def test_a_tail_that_vanishes_before_it_is_read_is_none(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    sessions.interrupted(PART + 100_001)
    s3.on("GET", "/tails/", status(404, "NoSuchKey"))
    second = sessions.resumed()

    assert second.upload.received == PART
    sessions.ends_up_whole(second)


def test_behind_a_part_that_failed_there_is_no_tail(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    s3.on("PUT", "partNumber=1", status(500))
    sessions.interrupted(PART + 100_001)
    assert moto.keys() == []
    s3.clear()
    second = sessions.resumed()

    assert second.upload.received == 0
    sessions.ends_up_whole(second)


def test_a_late_tail_of_an_earlier_process_spoils_nothing(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    sessions.interrupted(PART + 500_000)
    second = sessions.resumed()
    tails.put(Tail(ID, PART, PART + 100_001), DATA[PART : PART + 100_001], "0" * 64, 1)
    feed(second, PART + 600_000)
    second.park()
    tails.put(Tail(ID, PART, PART + 200_002), DATA[PART : PART + 200_002], "0" * 64, 1)
    third = sessions.resumed()

    assert third.upload.received == PART + 600_000
    sessions.ends_up_whole(third)


def test_the_tails_of_other_uploads_are_let_alone(sessions: Sessions, moto: Moto) -> None:
    others = [name(PART, PART + 3, OTHER), f"uploads/tails/{ID}", f"uploads/tails/{ID}.film", f"{name(0, 3)}.txt"]
    for key in others:
        moto.client().put_object(Bucket=moto.bucket, Key=key, Body=b"abc")
    sessions.interrupted(PART + 100_001)
    feed(entry := sessions.resumed())
    assert entry.seal()
    entry.check()

    sessions.has_only(KEY, *others)


# -- Nothing stays


def test_an_abort_takes_the_tail_with_it(sessions: Sessions) -> None:
    sessions.interrupted(PART + 100_001)
    sessions.resumed().discard()

    sessions.has_only()


def test_an_abort_that_fails_takes_the_tail_with_it(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    s3.on("DELETE", "uploadId=", status(500))
    second.discard()

    assert moto.keys() == []


def test_an_upload_that_has_to_start_over_leaves_no_tail(sessions: Sessions, moto: Moto) -> None:
    sessions.interrupted(PART + 100_001)
    state = sessions.store.load(ID).writer["state"]  # type: ignore[union-attr]
    moto.client().abort_multipart_upload(Bucket=moto.bucket, Key=KEY, UploadId=state["multipart"])
    with pytest.raises(UploadError) as raised:
        sessions.resumed()

    assert raised.value.code == "unknown_ref"
    sessions.has_only()


def test_what_was_finished_and_is_not_wanted_leaves_nothing(sessions: Sessions) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    sessions.ends_up_whole(second)
    second.discard()

    sessions.has_only()


def test_an_upload_without_interruption_asks_for_no_tails(sessions: Sessions, s3: S3Faults) -> None:
    sessions.ends_up_whole(sessions.entry())

    assert not [path for _method, path in s3.seen if "/tails/" in path or "list-type=2" in path]


def test_no_event_of_a_tail_is_that_of_an_upload(settings: Any) -> None:
    settings.UPLOADS = {"S3": {}}

    assert upload_id_of(Tail(ID, PART, PART + 5).key) != ID


# -- Pruning


@pytest.fixture
def old(s3: S3Faults, settings: Any) -> None:
    """What has been begun now is old."""
    settings.UPLOADS = {**settings.UPLOADS, "STALE_AFTER": -10, "UPLOAD_STATE_TTL": -10}


@pytest.fixture
def store(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> InMemoryUploadState:
    monkeypatch.setattr(pruning, "get_store", lambda: sessions.store)
    monkeypatch.setattr(janitor, "get_store", lambda: sessions.store)
    return sessions.store


def test_tails_are_pruned_with_their_uploads(old: None, sessions: Sessions, store: InMemoryUploadState) -> None:
    sessions.interrupted(PART + 100_001)
    store.forget(ID)

    assert pruning.prune() == 1
    sessions.has_only()


def test_tails_without_an_upload_are_pruned(old: None, sessions: Sessions, store: InMemoryUploadState) -> None:
    tails.put(Tail(OTHER, PART, PART + 3), b"abc", "0" * 64, 1)

    assert pruning.prune() == 0
    sessions.has_only()


def test_the_tails_of_what_has_a_record_stay(old: None, sessions: Sessions, store: InMemoryUploadState) -> None:
    sessions.interrupted(PART + 100_001)

    assert pruning.prune() == 0
    sessions.ends_up_whole(sessions.resumed())


def test_a_tail_keeps_its_upload_alive(
    sessions: Sessions, store: InMemoryUploadState, moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a new part does, where a slot's own store has its record."""
    sessions.interrupted(100_001)
    record = store.load(ID)
    assert record is not None
    store.forget(ID)
    (found,) = pruning._unfinished()
    long_ago = {**found, "Initiated": found["Initiated"].replace(year=2000)}
    monkeypatch.setattr(pruning, "_unfinished", lambda: [long_ago])

    assert pruning.prune() == 0
    assert moto.keys() == [name(0, 100_001)]
    store.save(record, 1000)
    sessions.ends_up_whole(sessions.resumed())


@pytest.mark.parametrize(
    "key",
    [
        f"tails/{ID}.0-3",
        f"backups/tails/{ID}.0-3",
        f"uploads/{ID}.0-3",
        f"uploads/{ID}/tails/{ID}.0-3",
        f"uploads/tails/x{ID}.0-3",
        f"uploads/tails/{ID}.0-3.txt",
        f"uploads/tails/{ID}/film.txt",
    ],
)
def test_what_is_no_tail_stays(old: None, sessions: Sessions, store: InMemoryUploadState, moto: Moto, key: str) -> None:
    moto.client().put_object(Bucket=moto.bucket, Key=key, Body=b"abc")
    pruning.prune()

    assert moto.keys() == [key]


def test_the_janitor_survives_a_bucket_that_does_not_list(old: None, s3: S3Faults, store: InMemoryUploadState) -> None:
    s3.on("GET", "list-type=2", status(403, "AccessDenied"))

    assert janitor.prune()[2] == 0
