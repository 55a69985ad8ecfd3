"""Stalled uploads."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from liveview.testing import Closed
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.socket.receiver import AT_RISK, LEAST, Channel, Receiver
from uploads.socket.stalled import PERIODS, Drip, Stall, is_stalled
from uploads.testing import Refused
from uploads.tests.support import TEXT, Site, assert_works, until


def entry(*, resumable: bool = False) -> UploadEntry:
    slot = Slot(name="doc", accept=Accept.parse(""), resumable=resumable)
    return UploadEntry("0" * 32, "r", slot, parse_name("a.txt"), 1000)


def test_it_is_counted_from_the_last_chunk() -> None:
    now = 0.0
    stall = Stall(60, lambda: now)
    now = 50
    assert stall.left == 10
    stall.moved()
    assert stall.left == 60
    now = 500
    assert stall.left == 0


@pytest.mark.parametrize(("received", "written", "expected"), [(0, 0, False), (10, 10, True), (1000, 1000, False)])
def test_only_what_has_begun_and_is_not_all_here_is_stalled(
    folders: Any, received: int, written: int, expected: bool
) -> None:
    upload = entry()
    if received:
        upload.receive(0, received)
        upload.written(written)
    assert is_stalled(upload) is expected


def test_what_waits_to_be_written_is_not_stalled(folders: Any) -> None:
    upload = entry()
    upload.receive(0, 10)
    assert not is_stalled(upload)


def test_a_resumable_upload_may_pause(folders: Any) -> None:
    upload = entry(resumable=True)
    upload.receive(0, 10)
    upload.written(10)
    assert not is_stalled(upload)


def test_an_upload_that_is_stalled_ends_and_nothing_else_does(site: Site, settings: Any, staged: Any) -> None:
    """C22. What waits for its turn, and what can be resumed, continues after the silence as if nothing had happened."""
    settings.UPLOADS |= {"IDLE": 1}
    page = site()
    waiting, waits_on = page.register("docs", "waiting.txt", 100_000)
    resumable, rests_on = page.register("video", "resumable.txt", 100_000)
    page.send_chunk(rests_on, 0, TEXT[:50_000])
    still, stands_on = page.register("doc", "still.txt", 100_000)
    page.send_chunk(stands_on, 0, TEXT[:50_000])
    with pytest.raises(Refused) as refused:
        page.upload_answer(still, "upload_ready")
    assert refused.value.code == "timeout"
    until(lambda: len(staged()) == 1)  # of the one that pauses
    page.send_chunk(rests_on, 50_000, TEXT[50_000:100_000])
    page.upload_answer(resumable, "upload_ready")
    page.send_chunk(waits_on, 0, TEXT[:100_000])
    page.upload_answer(waiting, "upload_ready")


def test_the_next_upload_is_watched_as_well(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"IDLE": 1}
    page = site()
    for _ in range(2):
        ref, channel = page.register("doc", "still.txt", 100_000)
        page.send_chunk(channel, 0, TEXT[:50_000])
        with pytest.raises(Refused, match="timeout"):
            page.upload_answer(ref, "upload_ready")
    settings.UPLOADS.pop("IDLE")
    assert_works(site())


def drips(periods: list[int], *, counts: bool = True) -> bool:
    """Whether somebody does from whom so many bytes come in each."""
    drip = Drip(1000)
    found = False
    for came in periods:
        drip.received(came)
        found = drip.is_dripping(counts=counts)
    return found


def test_bytes_that_come_too_slowly_drip_and_pauses_neither_count_nor_excuse() -> None:
    slow = [999] * PERIODS
    assert drips(slow) and not drips(slow[1:])
    assert not drips([0] * 20)
    assert drips([999, 0] * PERIODS + [0])
    assert not drips([999, 1000] * 20)


def test_who_waits_for_us_or_has_just_begun_does_not_drip() -> None:
    assert not drips([999] * 20, counts=False)


@pytest.mark.parametrize(("uploads", "expected"), [(50, False), (1, True)])
async def test_it_is_the_line_that_may_not_be_slow_and_not_each_upload_on_it(
    settings: Any, uploads: int, expected: bool
) -> None:
    settings.LIVEVIEW = {"BODY_RATE": 1000, "BODY_SECONDS": 30}
    receiver = Receiver(Mock(), Mock())
    entries = [Mock(size=1_000_000, upload=Mock(received=1)) for _ in range(uploads)]
    channels = [Channel(number, entry) for number, entry in enumerate(entries)]
    found = []
    for _ in range(PERIODS + 1):
        receiver._drip.received(20_000 * uploads)
        found.append(receiver._drips(channels))
    assert found == [False] * PERIODS + [expected]


def test_a_socket_whose_upload_drips_is_closed(site: Site, settings: Any) -> None:
    settings.LIVEVIEW |= {"BODY_RATE": 100_000_000, "BODY_SECONDS": 0.01}
    page = site()
    _, channel = page.register("video", "slow.txt", 300_000)
    offset = 0
    with pytest.raises(Closed) as closed:
        while offset + 1024 < 300_000:
            page.send_chunk(channel, offset, TEXT[offset : offset + 1024])
            offset += 1024
            page.wait_until(lambda message: bool(message.get("offsets")))
    assert closed.value.code == 4408


def test_what_never_begins_ends(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"UNBEGUN": 0.2}
    page = site()
    ref, _ = page.register("docs", "never.txt", 100_000)
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")
    assert refused.value.code == "timeout"
    assert_works(page)


async def test_who_has_credit_to_spare_takes_no_turn_at_getting_more() -> None:
    """Fifty that send a kilobyte a second would else keep those who could use it waiting."""
    receiver, asked = Receiver(Mock(), Mock()), list[object]()
    receiver._senders = Mock(has_turn=lambda _: False, ask=asked.append, enough=100_000)
    receiver._window.granted = receiver._window.used + 100_000
    receiver._ask()
    assert asked == []
    receiver._window.used += 1
    receiver._ask()
    assert asked == [receiver]


async def test_what_waits_for_a_slow_bucket_leaves_less_to_be_on_its_way() -> None:
    """All of it would have to be sent again if the process ended."""
    receiver = Receiver(Mock(), Mock())
    entry = Mock(upload=Mock(written=9_000_000, durable=1_000_000), hold=Mock(is_held=True))
    receiver._channels[1], receiver._reach.limit = Channel(1, entry), AT_RISK
    assert receiver._most() == LEAST

    entry.upload.durable = 2_500_000
    assert receiver._most() == AT_RISK - 6_500_000

    entry.sink.is_remote = False
    assert receiver._most() == AT_RISK

    entry.sink.is_remote, entry.hold.is_held = True, False  # nobody can go on with it anyway
    assert receiver._most() == receiver._reach.limit
