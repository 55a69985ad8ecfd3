"""Frames that are malformed, too long, too short or too many: cases C5, C10, C11 and C12."""

from __future__ import annotations

from typing import Any

import pytest

from liveview.core.limits import Bucket
from liveview.process import here
from uploads.core import credit, frames
from uploads.socket import credit_turns, receiver
from uploads.tests.socket.offences import raw, violation
from uploads.tests.support import TEXT, Gate, Site, Staged, until


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x01", raw(1, 0)[:-1], raw(1, 0, TEXT[:2000], kind=0), raw(1, 0, kind=255), raw(1, 2**63), raw(1, 2**53)],
)
def test_a_malformed_frame_closes_the_socket(site: Site, staged: Staged, frame: bytes) -> None:
    page = site()
    page.register("doc", "a.txt", 5000)
    page.send_bytes(frame)
    assert page.wait_closed() == 4400
    page.drop_connection()
    assert staged() == []


def test_a_frame_longer_than_announced_is_dropped_and_repeated_it_closes(site: Site) -> None:
    page = site()
    most = next(message["max_frame"] for message in page.received if message["type"] == "upload_config")
    ref, channel = page.register("doc", "a.txt", 2_000_000)
    data = TEXT * 7
    page.send_chunk(channel, 0, data[: most - frames.HEADER_SIZE + 1])
    violation(page)
    page.send_chunk(channel, 0, data[: most - frames.HEADER_SIZE])
    page.wait_until(lambda m: m["type"] == "upload_progress" and m["offsets"] == [[channel, most - frames.HEADER_SIZE]])
    for _ in range(2):
        page.send_chunk(channel, 0, data[:most])
    assert page.wait_closed() == 4400


@pytest.mark.parametrize("length", [0, 1, 1023])
def test_tiny_chunks_are_violations_except_the_last(site: Site, length: int) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", 5000)
    page.send_chunk(channel, 0, TEXT[:length])
    violation(page)
    page.send_chunk(channel, 0, TEXT[:4999])
    page.send_chunk(channel, 4999, TEXT[4999:5000])
    page.upload_answer(ref, "upload_ready")


def test_a_flood_of_tiny_chunks_closes_the_socket(site: Site) -> None:
    page = site()
    _ref, channel = page.register("doc", "a.txt", 5000)
    for offset in range(3):
        page.send_chunk(channel, offset, TEXT[offset : offset + 1])
    assert page.wait_closed() == 4400


def test_a_flood_of_frames_that_bring_nothing_closes_the_socket(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "Bucket", lambda rate, burst: Bucket(0, 10))
    page = site()
    _ref, channel = page.register("doc", "a.txt", 10_000)
    page.send_chunk(channel, 0, TEXT[:2000])
    for _ in range(12):
        page.send_chunk(channel, 0, TEXT[:2000])
    assert page.wait_closed() == 4429


def test_more_than_the_credit_closes_the_socket_and_memory_stays_bounded(
    site: Site, settings: Any, slow_disk: Gate, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPLOADS |= {"WINDOW": 100_000}
    waiting = []
    really = receiver.Receiver._gather

    def gather(own: Any, channel: Any, *args: Any) -> bool:
        taken = really(own, channel, *args)
        waiting.append(sum(len(chunk.payload) for chunk in channel.waiting))
        return taken

    monkeypatch.setattr(receiver.Receiver, "_gather", gather)
    page = site()
    _ref, channel = page.register("doc", "a.txt", len(TEXT))
    credit = page.credit
    for offset in range(0, 110_000, 10_000):  # the disk doesn't move: no credit comes back
        page.send_bytes(frames.encode(channel, offset, TEXT[offset : offset + 10_000]))
    assert page.wait_closed() == 4413
    assert page.credit == credit == 100_000
    assert max(waiting) <= 100_000
    slow_disk.open()
    page.drop_connection()
    until(lambda: staged() == [])


def test_bytes_beyond_the_credit_make_nobody_believe_that_less_waits_to_be_written(site: Site) -> None:
    def unsettled() -> list[int]:
        return [each._unsettled for each in here(credit_turns._Loops).senders.values()]

    for _ in range(3):
        page = site()
        _ref, channel = page.register("doc", "a.txt", len(TEXT))
        for _again in range(2):  # what comes before the socket is closed counts for nothing as well
            page.send_bytes(frames.encode(channel, 0, bytes(page.credit)))
        assert page.wait_closed() == 4413
        page.drop_connection()

    until(lambda: all(size == 0 for size in unsettled()))


def test_a_stalled_disk_stops_the_sender_and_not_the_page(site: Site, settings: Any, slow_disk: Gate) -> None:
    settings.UPLOADS |= {"WINDOW": 100_000}
    page = site()
    ref, channel = page.register("doc", "a.txt", 90_000)
    page.send_chunk(channel, 0, TEXT[:90_000])
    slow_disk.wait()
    page.submit("say", text="a click is answered")
    assert "a click is answered" in page.html
    assert page.credit == 100_000
    slow_disk.open()
    page.upload_answer(ref, "upload_ready")


@pytest.mark.parametrize("used", [0.0, 0.9])
def test_a_busy_server_asks_for_longer_frames(site: Site, monkeypatch: pytest.MonkeyPatch, used: float) -> None:
    """Each costs the event loop the same: slow lines send short ones, and hundreds of them are too many."""
    clock = iter(range(1000))
    monkeypatch.setattr(credit, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(credit_turns.time, "thread_time", lambda: used * next(clock) * 1e6)
    page = site()
    ref, channel = page.register("doc", "a.txt", 8192)
    page.send_chunk(channel, 0, TEXT[:4096])
    page.send_chunk(channel, 4096, TEXT[4096:8192])
    page.upload_answer(ref, "upload_ready")
    asked = [message.get("min_frame", 0) for message in page.received if message["type"] == "upload_progress"]
    assert (max(asked) > 0) is (used > 0)
