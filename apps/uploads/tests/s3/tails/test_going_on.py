"""What is short of a part when an upload is parked survives beside the parts."""

from __future__ import annotations

from threading import Thread

import pytest

from uploads import UploadError
from uploads.s3.multipart import TAIL, ResumableS3Writer
from uploads.tests.faults import S3Faults
from uploads.tests.moto import Moto
from uploads.tests.s3.tails.sessions import DATA, ID, PART, Sessions, crash, feed, name, writer_of
from uploads.tests.support import Gate, sha


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
