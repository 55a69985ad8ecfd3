"""Tails that aren't valid: stale, foreign, late or behind a gap."""

from __future__ import annotations

import pytest

from uploads.s3 import tails
from uploads.s3.tails import Tail
from uploads.tests.faults import S3Faults, status
from uploads.tests.moto import Moto
from uploads.tests.s3.tails.sessions import DATA, ID, KEY, OTHER, PART, Sessions, crash, feed, name


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
