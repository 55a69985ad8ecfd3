"""A process that dies between two calls, or whose requests fail, spoils no tail and no upload."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from uploads import UploadError
from uploads.s3.multipart import TAIL, ResumableS3Writer
from uploads.tests.faults import S3Faults, lose_answer, reset, status
from uploads.tests.moto import Moto
from uploads.tests.s3.tails.sessions import DATA, ID, KEY, PART, Sessions, crash, feed, name
from uploads.tests.support import sha, until


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
sys.path.insert(0, {str(Path(__file__).resolve().parents[4])!r})
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
