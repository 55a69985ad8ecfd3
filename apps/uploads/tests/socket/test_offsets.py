"""Chunks at the wrong place, too many bytes and too few: cases C4, C6 and C7."""

from __future__ import annotations

import pytest

from uploads.entries.entry import UploadEntry
from uploads.socket import receiver
from uploads.testing import Refused, UploadPage
from uploads.tests.support import TEXT, Site, Staged, assert_works, handle, until


def bad_offset(page: UploadPage) -> int:
    answer = page.wait_until(lambda message: message["type"] == "upload_error")
    assert answer["code"] == "bad_offset"
    offset: int = answer["offset"]
    return offset


def test_a_gap_is_refused_with_the_place_to_continue(site: Site) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", 10_000)
    page.send_chunk(channel, 0, TEXT[:2000])
    for offset in (4000, 2001, 10_000, 2**53 - 1):
        page.send_chunk(channel, offset, TEXT[:2000])
        assert bad_offset(page) == 2000
    page.send_chunk(channel, 2000, TEXT[2000:10_000])
    page.upload_answer(ref, "upload_ready")


def test_an_overlap_is_refused_and_a_replay_is_taken_silently(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    handle(monkeypatch, lambda view: found.extend(e.data for e in view.consume_uploaded_entries("doc")))
    page = site()
    ref, channel = page.register("doc", "a.txt", 10_000)
    page.send_chunk(channel, 0, TEXT[:4000])
    page.send_chunk(channel, 2000, b"x" * 4000)
    assert bad_offset(page) == 4000
    page.send_chunk(channel, 0, b"x" * 4000)
    page.send_chunk(channel, 4000, TEXT[4000:10_000])
    page.upload_answer(ref, "upload_ready")
    page.submit("run")
    assert found == [TEXT[:10_000]]
    page.submit("say", text="all of it is settled")
    assert page.credit >= page.sent + receiver.FLOOR


def test_more_bytes_than_declared_end_the_upload(site: Site, staged: Staged) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", 5000)
    page.send_chunk(channel, 0, TEXT[:3000])
    page.send_chunk(channel, 3000, TEXT[3000:5001])
    page.send_chunk(channel, 3000, TEXT[3000:5000])
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")
    assert refused.value.code == "size_mismatch"
    until(lambda: staged() == [])
    assert_works(page)


def test_fewer_bytes_than_declared_are_never_ready(site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[UploadEntry] = []
    handle(monkeypatch, lambda view: found.extend(view.consume_uploaded_entries("doc")))
    page = site()
    ref, channel = page.register("doc", "a.txt", 5000)
    page.send_chunk(channel, 0, TEXT[:4999])
    page.submit("run")
    assert found == []
    page.send_chunk(channel, 4999, TEXT[4999:5000])
    page.upload_answer(ref, "upload_ready")
    page.drop_connection()
    assert staged() == []
