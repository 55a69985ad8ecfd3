"""What happens while the server looks up an upload that somebody comes back for, or makes the record of a new one."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from liveview.core.messages import Message
from uploads import UploadError
from uploads.entries.registry import Uploads
from uploads.models import UploadState
from uploads.stores import DatabaseUploadState, Record
from uploads.testing import UploadPage
from uploads.tests.support import TEXT, Gate, Site, Staged, assert_works, handle, until

SIZE = len(TEXT)


def test_cancelled_before_it_has_a_record_it_gets_none(
    site: Site, monkeypatch: pytest.MonkeyPatch, gate: Gate, staged: Staged
) -> None:
    saved: list[str] = []
    really = DatabaseUploadState.save

    def save(store: DatabaseUploadState, record: Record, ttl: float) -> None:
        gate()
        really(store, record, ttl)
        saved.append(record.id)

    monkeypatch.setattr(DatabaseUploadState, "save", save)
    page = site()
    page.send({"type": "upload_register", "slot": "video", "ref": "film", "name": "a.txt", "size": 9, "mime": ""})
    gate.wait()
    page.send({"type": "upload_cancel", "ref": "film"})
    page.upload_answer("film", "upload_cancelled")
    gate.open()

    until(lambda: saved and staged() == [] and not UploadState.objects.exists())


@pytest.fixture
def slow_store(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Gate:
    """Every look-up waits at the gate."""
    really = DatabaseUploadState.load

    def load(store: DatabaseUploadState, upload_id: str) -> Any:
        gate()
        return really(store, upload_id)

    monkeypatch.setattr(DatabaseUploadState, "load", load)
    return gate


def interrupted(page: UploadPage, count: int = 50_000) -> str:
    """An upload that waits for somebody to come back; its id."""
    upload_id, channel = page.register_resumable("video", "film.txt", SIZE)
    page.send_rest(channel, TEXT[:count])
    page.wait_until(lambda message: [channel, count] in message.get("offsets", []))
    page.reconnect()
    return upload_id


def ask(page: UploadPage, upload_id: str, ref: str) -> None:
    """Asks for it, and doesn't wait for the answer."""
    resume = {"type": "upload_resume", "slot": "video", "ref": ref, "upload_id": upload_id, "size": SIZE}
    page.send({**resume, "offset": 0, "holder": "page"})


def answers(page: UploadPage) -> list[Message]:
    """Once everything that was sent has been obeyed."""
    page.submit("say", text="so far")
    return [message for message in page.received if message["type"] == "upload_resume_ack"]


def test_cancelled_meanwhile_nothing_of_it_is_left(site: Site, slow_store: Gate, staged: Staged) -> None:
    page = site()
    upload_id = interrupted(page)
    ask(page, upload_id, "film")
    slow_store.wait()
    page.send({"type": "upload_cancel", "ref": "film"})
    page.upload_answer("film", "upload_cancelled")
    slow_store.open()

    until(lambda: staged() == [] and not UploadState.objects.exists())
    assert answers(page) == []
    page.upload("video", "next.txt", TEXT)
    assert_works(page)


def test_cancelled_meanwhile_it_needs_no_place(
    site: Site, slow_store: Gate, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the slot would have refused it."""

    def refuse(*_: object) -> None:
        raise UploadError("too_many_files")

    page = site()
    upload_id = interrupted(page)
    monkeypatch.setattr(Uploads, "adopt", refuse)
    ask(page, upload_id, "film")
    slow_store.wait()
    page.send({"type": "upload_cancel", "ref": "film"})
    page.upload_answer("film", "upload_cancelled")
    slow_store.open()

    until(lambda: staged() == [] and not UploadState.objects.exists())
    assert answers(page) == []


def test_a_ref_is_looked_up_once_at_a_time(site: Site, slow_store: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[bytes] = []
    handle(monkeypatch, lambda view: got.extend(entry.data for entry in view.consume_uploaded_entries("video")))
    page = site()
    upload_id = interrupted(page)
    ask(page, upload_id, "film")
    slow_store.wait()
    ask(page, upload_id, "film")
    assert page.wait_for("error")["code"] == "bad_message"
    page.send({"type": "upload_register", "slot": "video", "ref": "film", "name": "a.txt", "size": 9, "mime": ""})
    assert page.wait_for("error")["code"] == "bad_message"
    slow_store.open()

    answer = page.upload_answer("film", "upload_resume_ack")
    page.send_rest(answer["channel"], TEXT, answer["offset"])
    page.upload_answer("film", "upload_ready")
    page.submit("run")
    assert got == [TEXT]
    assert len(answers(page)) == 1


def test_a_ref_may_be_asked_for_again_after_the_answer(site: Site) -> None:
    client = Client()
    first, second = site(client=client), site(client=client)
    upload_id, _channel = first.register_resumable("video", "film.txt", SIZE)
    for _turn in range(2):
        since = len(second.received)
        second.send(
            {
                "type": "upload_resume",
                "slot": "video",
                "ref": "film",
                "upload_id": upload_id,
                "size": SIZE,
                "offset": 0,
                "holder": "other",
            }
        )
        assert second.upload_answer("film", "upload_resume_ack", since)["code"] == "locked"


def test_a_new_file_for_the_only_place_takes_it(site: Site, slow_store: Gate, staged: Staged) -> None:
    page = site()
    upload_id = interrupted(page)
    ask(page, upload_id, "film")
    slow_store.wait()
    newer, channel = page.register_resumable("video", "newer.txt", SIZE, holder="page")
    page.send_rest(channel, TEXT)
    page.wait_for("upload_ready")
    page.upload_answer("film", "upload_cancelled")
    slow_store.open()

    until(lambda: staged() == [newer])
    assert answers(page) == []
    assert [row.upload_id for row in UploadState.objects.all()] == [newer]


def test_what_it_takes_the_place_of_is_removed_once_it_is_ready(site: Site, staged: Staged) -> None:
    page = site()
    upload_id = interrupted(page)
    other, channel = page.register_resumable("video", "other.txt", SIZE)
    page.send_rest(channel, TEXT[:50_000])
    page.wait_until(lambda message: [channel, 50_000] in message.get("offsets", []))

    answer = page.resume("video", upload_id, SIZE)
    assert sorted(staged()) == sorted([upload_id, other])
    page.send_rest(answer["channel"], TEXT, answer["offset"])
    page.wait_for("upload_ready")

    until(lambda: staged() == [upload_id])
    until(lambda: [row.upload_id for row in UploadState.objects.all()] == [upload_id])
