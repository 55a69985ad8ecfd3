"""The helper that other apps' tests are written with."""

from __future__ import annotations

from typing import Any

import pytest

from uploads.socket import receiver
from uploads.testing import Refused

from .support import TEXT, Site, handle


def test_a_file_is_ready_when_upload_returns(site: Site) -> None:
    page = site()
    ref = page.upload("doc", "a.txt", TEXT)
    assert page.upload_answer(ref, "upload_ready") == {"type": "upload_ready", "ref": ref}


def test_a_page_that_takes_no_uploads_says_so_at_once(site: Site) -> None:
    with pytest.raises(AssertionError, match="/plain/ takes no uploads: it has no UploadMixin"):
        site("/plain/")


def test_a_refusal_says_why(site: Site) -> None:
    with pytest.raises(Refused) as refused:
        site().upload("doc", "a.exe", TEXT)
    assert refused.value.code == "bad_ext"
    assert "choose .txt" in refused.value.message


def test_a_refusal_in_the_middle_ends_the_sending(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"WINDOW": 50_000}
    page = site()
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("docs", "a.png", TEXT, chunk=10_000)
    assert page.sent < len(TEXT)


def test_it_never_sends_more_than_it_may(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"WINDOW": 70_000}
    page = site()
    page.upload("doc", "a.txt", TEXT, chunk=60_000)
    assert page.sent <= page.credit


def test_answers_may_be_asked_for_in_any_order(site: Site) -> None:
    page = site()
    files = [page.register("docs", f"{number}.txt", 5) for number in range(3)]
    for _ref, channel in files:
        page.send_chunk(channel, 0, b"hello")
    for ref, _channel in reversed(files):
        page.upload_answer(ref, "upload_ready")


def test_a_reconnected_page_starts_with_new_credit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    handle(monkeypatch, lambda view: seen.extend(e.data for e in view.consume_uploaded_entries("doc")))
    page = site()
    page.upload("doc", "a.txt", TEXT)
    page.drop_connection()
    page.reconnect()
    assert (page.sent, page.credit) == (0, receiver.FLOOR)
    page.upload("doc", "b.txt", b"hello")
    page.submit("run")
    assert seen == [b"hello"]
