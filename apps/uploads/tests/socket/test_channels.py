"""Chunks for channels that aren't there, not yet, not any more, or are somebody else's. C1 and so on are the ids of
the list of cases that the project keeps; each is a promise about what happens, and that the page still works."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from liveview.testing import Closed
from uploads import extension as transport
from uploads.core import frames
from uploads.testing import Refused, UploadPage
from uploads.tests.socket.offences import raw, violation
from uploads.tests.support import TEXT, Site, Staged, assert_works, handle, until


def test_a_chunk_before_the_mount_is_a_violation(site: Site) -> None:
    page = UploadPage("/bench/")
    page.open()
    for _ in range(3):
        page.send_bytes(frames.encode(1, 0, TEXT[:2000]))
    assert page.wait_closed() == 4400
    page.__exit__()


def test_a_registration_before_the_mount_is_a_violation_and_the_page_still_works(site: Site) -> None:
    page = site()
    page.drop_connection()
    page.open()
    page.send({"type": "upload_register", "slot": "doc", "ref": "r", "name": "a.txt", "size": 5, "mime": ""})
    violation(page)
    page.drop_connection()
    page.reconnect()
    assert_works(page)


def test_a_client_that_does_not_wait_for_the_mount_does_no_harm(site: Site) -> None:
    page = site()
    page.drop_connection()
    page.open()
    page.send({"type": "mount", "protocol": 1, "url": "/bench/", "snapshot": None})
    page.send({"type": "upload_register", "slot": "doc", "ref": "r", "name": "a.txt", "size": 5, "mime": ""})
    page.send_bytes(frames.encode(1, 0, TEXT[:5]))
    page.wait_for("mounted")
    page.submit("say", text="mounted")
    assert "mounted" in page.html


def test_a_message_between_mount_and_socket_is_dropped() -> None:
    """Extensions get messages from when the view exists; the link comes a moment later."""
    extension = transport.UploadsExtension(SimpleNamespace(view=None))  # type: ignore[arg-type]
    extension.received({"type": "upload_cancel", "ref": "r"})
    assert not extension.received_binary(frames.encode(1, 0, b"hello"))


@pytest.mark.parametrize("channel", [0, 1, 7, 2**32 - 1])
def test_a_chunk_for_a_channel_that_never_was_is_a_violation(site: Site, staged: Staged, channel: int) -> None:
    page = site()
    page.send_bytes(raw(channel, 0, TEXT[:2000]))
    violation(page)
    assert staged() == []
    assert_works(page)
    for _ in range(2):
        page.send_bytes(raw(2**31, 0, TEXT[:2000]))
    assert page.wait_closed() == 4400


def test_what_was_on_its_way_when_a_file_was_refused_is_no_offence(site: Site, staged: Staged) -> None:
    page = site()
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("docs", "evil.png", b"MZ" + TEXT, chunk=2000)  # all 150 chunks go before the answer is read
    until(lambda: staged() == [])
    assert_works(page)


def test_chunks_for_an_ended_upload_are_violations_once_the_client_must_know(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"WINDOW": 100_000}
    page = site()
    page.upload("doc", "a.txt", TEXT[:5000])
    with pytest.raises(Closed) as closed:
        for _ in range(200):
            page.send_chunk(1, 0, TEXT[:5000])
        page.wait_closed()
    assert closed.value.code == 4400


def test_another_visitors_channel_cannot_be_reached(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    handle(monkeypatch, lambda view: found.extend(e.data for e in view.consume_uploaded_entries("doc")))
    mine, other = site(), site()
    ref, channel = mine.register("doc", "a.txt", 10_000)
    mine.send_chunk(channel, 0, TEXT[:5000])
    other.send_chunk(channel, 5000, b"x" * 5000)
    violation(other)
    other.send({"type": "upload_cancel", "ref": ref})
    assert other.upload_answer(ref, "upload_cancelled") == {"type": "upload_cancelled", "ref": ref}
    mine.send_chunk(channel, 5000, TEXT[5000:10_000])
    mine.upload_answer(ref, "upload_ready")
    mine.submit("run")
    other.submit("run")
    assert found == [TEXT[:10_000]]
