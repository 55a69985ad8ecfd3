"""Stalled uploads."""

from __future__ import annotations

from typing import Any

import pytest

from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.socket.stalled import Stall, is_stalled
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
