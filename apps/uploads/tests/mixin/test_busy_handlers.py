"""While a handler has the file in its hands."""

from __future__ import annotations

from typing import Any

import pytest

from uploads.testing import UploadPage
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Gate, Site, Staged, assert_works, handle, until


@pytest.fixture
def slow_handler(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> tuple[Gate, list[Any]]:
    """A handler that has got the entries, and reads their bytes when the gate opens."""
    seen: list[Any] = []

    def script(view: BenchView) -> None:
        for entry in view.consume_uploaded_entries("doc"):
            gate()
            seen.append((entry.client_name, entry.data))

    handle(monkeypatch, script)
    return gate, seen


def start(page: UploadPage, event: str = "run") -> int:
    ref = page._next_ref()
    page.send({"type": "event", "ref": ref, "name": event, "params": {}})
    return ref


def finished(page: UploadPage, ref: int) -> None:
    page.wait_until(lambda message: message["type"] == "ack" and message["ref"] == ref, ref)


def test_a_cancel_comes_too_late_for_a_handler_that_has_the_file(
    site: Site, staged: Staged, slow_handler: tuple[Gate, list[Any]]
) -> None:
    gate, seen = slow_handler
    page = site()
    ref = page.upload("doc", "a.txt", TEXT)
    running = start(page)
    gate.wait()
    page.send({"type": "upload_cancel", "ref": ref})
    gate.open()
    finished(page, running)
    page.upload_answer(ref, "upload_cancelled")
    assert seen == [("a.txt", TEXT)]
    assert page.upload_answer(ref, "upload_consumed")
    assert staged() == []
    assert_works(page)


def test_the_next_file_waits_for_a_handler_that_has_the_last(
    site: Site, staged: Staged, slow_handler: tuple[Gate, list[Any]]
) -> None:
    gate, seen = slow_handler
    page = site()
    page.upload("doc", "a.txt", TEXT)
    running = start(page)
    gate.wait()
    page.send({"type": "upload_register", "slot": "doc", "ref": "next", "name": "b.txt", "size": 5, "mime": ""})
    gate.open()
    finished(page, running)
    channel = page.upload_answer("next", "upload_registered")["channel"]
    page.send_chunk(channel, 0, b"hello")
    page.upload_answer("next", "upload_ready")
    page.submit("run")
    assert seen == [("a.txt", TEXT), ("b.txt", b"hello")]
    assert staged() == []


def test_a_handler_continues_when_the_visitor_has_left(
    site: Site, staged: Staged, slow_handler: tuple[Gate, list[Any]]
) -> None:
    gate, seen = slow_handler
    page = site()
    page.upload("doc", "a.txt", TEXT)
    start(page)
    gate.wait()
    page._put({"type": "websocket.disconnect", "code": 1006})
    gate.open()
    page.drop_connection()
    until(lambda: seen == [("a.txt", TEXT)])
    until(lambda: staged() == [])


def test_a_handler_that_raises_when_the_visitor_has_left_leaves_nothing(
    site: Site, staged: Staged, gate: Gate, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    allowed.add("BenchView failed")
    read: list[bytes] = []

    def script(view: BenchView) -> None:
        entries = list(view.consume_uploaded_entries("docs"))
        gate()
        read.extend(entry.data for entry in entries)
        raise ZeroDivisionError

    handle(monkeypatch, script)
    page = site()
    page.upload("docs", "a.txt", TEXT)
    start(page)
    gate.wait()
    page._put({"type": "websocket.disconnect", "code": 1006})
    gate.open()
    page.drop_connection()
    until(lambda: read == [TEXT])
    until(lambda: staged() == [])
