"""While a registration is being opened in its thread: what else happens on the page, and what becomes of the files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from uploads import UploadEntry, UploadError
from uploads.entries.uploader import Uploader
from uploads.socket.session import UploadSession
from uploads.stores import get_store
from uploads.testing import UploadPage
from uploads.tests.support import TEXT, Gate, Site, Staged, handle, until

Opening = Callable[[str], None]


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Callable[..., None]:
    """Has the opening of the file of that name wait at the gate, and then refuse it, if there is an error to give."""

    def wait_for(name: str, refusal: UploadError | None = None) -> None:
        really = UploadSession.open

        def open_(self: UploadSession, entry: UploadEntry, holder: str) -> None:
            if entry.client_name == name:
                gate()
                if refusal is not None:
                    raise refusal
            really(self, entry, holder)

        monkeypatch.setattr(UploadSession, "open", open_)

    return wait_for


def begin(page: UploadPage, slot: str, name: str, size: int) -> None:
    page.send({"type": "upload_register", "slot": slot, "ref": "second", "name": name, "size": size, "mime": ""})


def test_a_file_may_arrive_while_its_successor_is_being_opened(
    site: Site, opening: Callable[..., None], gate: Gate
) -> None:
    opening("second.txt")
    page = site()
    ref, channel = page.register("doc", "first.txt", len(TEXT))
    begin(page, "doc", "second.txt", 2000)
    gate.wait()

    page.send_rest(channel, TEXT)

    page.upload_answer(ref, "upload_ready")


def test_a_file_that_arrives_meanwhile_is_not_lost_to_one_that_is_refused(
    site: Site, opening: Callable[..., None], gate: Gate, staged: Staged
) -> None:
    opening("second.txt", UploadError("storage_full"))
    page = site()
    ref, channel = page.register("doc", "first.txt", len(TEXT))
    begin(page, "doc", "second.txt", 2000)
    gate.wait()
    page.send_rest(channel, TEXT)
    page.upload_answer(ref, "upload_ready")

    gate.open()

    page.wait_until(lambda message: message["type"] == "upload_error" and message["code"] == "storage_full")
    assert len(staged()) == 1


def test_a_file_may_arrive_while_a_handler_has_the_one_before(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    at_handler, at_opening = Gate(), Gate()
    really = UploadSession.open

    def open_(self: UploadSession, entry: UploadEntry, holder: str) -> None:
        if entry.client_name == "second.txt":
            at_opening()
        really(self, entry, holder)

    monkeypatch.setattr(UploadSession, "open", open_)
    handle(monkeypatch, lambda view: [at_handler() for _ in view.consume_uploaded_entries("doc")] and None)
    page = site()
    page.upload("doc", "first.txt", TEXT)
    begin(page, "doc", "second.txt", 2000)
    at_opening.wait()
    page.send({"type": "event", "ref": 900, "name": "run", "params": {}})
    at_handler.wait()
    at_opening.open()
    answer = page.upload_answer("second", "upload_registered")

    page.send_chunk(answer["channel"], 0, TEXT[:2000])

    page.upload_answer("second", "upload_ready")
    at_handler.open()
    page.wait_html("second.txt")


def test_a_resume_that_is_quicker_does_not_displace_the_file_that_was_chosen_since(
    site: Site, opening: Callable[..., None], gate: Gate
) -> None:
    page = site()
    upload_id, channel = page.register_resumable("video", "film.txt", len(TEXT))
    page.send_rest(channel, TEXT[:100_000])
    page.wait_until(lambda message: [channel, 100_000] in message.get("offsets", []))
    page.drop_connection()
    opening("second.txt")
    page.reconnect()
    resume = {"type": "upload_resume", "slot": "video", "ref": "old", "upload_id": upload_id, "offset": 0}
    page.send({**resume, "size": len(TEXT), "holder": "page"})
    begin(page, "video", "second.txt", 2000)
    gate.wait()
    assert page.upload_answer("old", "upload_resume_ack")["accepted"]

    gate.open()

    answer = page.upload_answer("second", "upload_registered")
    page.send_chunk(answer["channel"], 0, TEXT[:2000])
    page.upload_answer("second", "upload_ready")


def test_nothing_is_written_after_what_the_end_of_a_session_has_dropped(
    site: Site, monkeypatch: pytest.MonkeyPatch, slow_disk: Gate, folders: Any
) -> None:
    """Else the file would have a hole, and whoever resumes would go on after it."""
    page = site()
    upload_id, channel = page.register_resumable("video", "film.txt", len(TEXT))
    looks, at_second, go_on = [0], threading.Event(), threading.Event()

    def expect(self: Uploader) -> None:
        looks[0] += 1
        if looks[0] == 2:
            at_second.set()
            assert go_on.wait(60)
            raise UploadError("session_ended")

    monkeypatch.setattr(Uploader, "expect_session", expect)
    page.send_chunk(channel, 0, TEXT[:20_000])
    slow_disk.wait()
    page.send_chunk(channel, 20_000, TEXT[20_000:40_000])
    page.submit("say", text="the second is there")
    slow_disk.open()
    assert at_second.wait(60)
    page.send_chunk(channel, 40_000, TEXT[40_000:60_000])
    page.submit("say", text="the third is there")
    go_on.set()

    assert page.wait_closed() == 4401
    page.drop_connection()
    until(lambda: get_store().acquire(upload_id, "somebody else", 60))
    stored = (folders / "staging" / upload_id).read_bytes()
    assert stored == TEXT[: len(stored)]
