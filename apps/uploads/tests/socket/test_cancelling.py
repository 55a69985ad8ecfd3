"""Uploads that end before their time, by the visitor, by the next file or by the network: case C9."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from uploads.entries.entry import UploadEntry
from uploads.testing import Refused, UploadPage
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Gate, Site, Staged, assert_works, handle, until


@pytest.fixture
def slow_check(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Gate:
    """Every check waits at the gate, and looks at the bytes when somebody has asked for their removal."""

    def check(entry: UploadEntry) -> None:
        if not gate.reached.is_set():
            gate()
            until(lambda: entry._is_doomed)
        entry.path.read_bytes()
        entry.sibling("derived").write_bytes(b"x")

    monkeypatch.setattr(BenchView, "check", staticmethod(check))
    return gate


def test_cancelling_twice_or_what_never_was_has_the_same_answer(site: Site, staged: Staged) -> None:
    page = site()
    ref = page.upload("doc", "a.txt", TEXT)
    for name in (ref, ref, "never-was"):
        page.send({"type": "upload_cancel", "ref": name})
        answer = page.wait_until(lambda message: message["type"] == "upload_cancelled")
        assert answer == {"type": "upload_cancelled", "ref": name}
    until(lambda: staged() == [])
    assert_works(page)


def test_cancelling_what_was_consumed_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    handle(
        monkeypatch,
        lambda view: names.extend(default_storage.save("a", e.file) for e in view.consume_uploaded_entries("doc")),
    )
    page = site()
    ref = page.upload("doc", "a.txt", TEXT)
    page.submit("run")
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")
    page.submit("run")
    assert [Path(default_storage.path(name)).read_bytes() for name in names] == [TEXT]


@pytest.mark.parametrize("ends", ["cancel", "replace", "disconnect", "cancel and disconnect"])
def test_a_file_that_ends_while_it_is_being_written_leaves_nothing(
    site: Site, staged: Staged, slow_disk: Gate, ends: str
) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:100_000])
    slow_disk.wait()
    page.send_chunk(channel, 100_000, TEXT[100_000:200_000])
    end(page, ref, ends)
    slow_disk.open()
    go_on(page, ends)
    until(lambda: staged() == [])


@pytest.mark.parametrize("ends", ["cancel", "replace", "disconnect", "cancel and disconnect"])
def test_a_file_that_ends_while_it_is_being_checked_leaves_nothing(
    site: Site, staged: Staged, slow_check: Gate, ends: str
) -> None:
    page = site()
    ref, channel = page.register("doc", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT)
    slow_check.wait()
    end(page, ref, ends)
    slow_check.open()
    go_on(page, ends)
    until(lambda: staged() == [])
    assert "upload_ready" not in [message["type"] for message in page.received if message.get("ref") == ref]


@pytest.mark.parametrize("when", ["registered", "half", "ready", "refused"])
def test_a_lost_connection_leaves_nothing(site: Site, staged: Staged, when: str) -> None:
    page = site()
    if when == "ready":
        page.upload("doc", "a.txt", TEXT)
    elif when == "refused":
        with pytest.raises(Refused):
            page.upload("docs", "a.png", TEXT)
    else:
        _ref, channel = page.register("doc", "a.txt", len(TEXT))
        if when == "half":
            page.send_chunk(channel, 0, TEXT[:100_000])
    page.drop_connection()
    assert staged() == []
    page.reconnect()
    assert_works(page)


def test_a_cancel_that_is_the_last_word_leaves_nothing(site: Site, staged: Staged) -> None:
    """The disconnect is read in the same breath, before anything that the cancel started has begun."""
    page = site()
    refs = [page.upload("docs", f"{number}.txt", TEXT) for number in range(3)]
    assert page._communicator is not None
    queue, loop = page._communicator.input_queue, page._loop._loop
    events = [{"type": "websocket.receive", "text": json.dumps({"type": "upload_cancel", "ref": ref})} for ref in refs]
    done = threading.Event()

    def at_once() -> None:
        for event in [*events, {"type": "websocket.disconnect", "code": 1006}]:
            queue.put_nowait(event)
        done.set()

    loop.call_soon_threadsafe(at_once)
    assert done.wait(30)
    page._loop.run(page._communicator.wait(30))
    page._communicator = None
    until(lambda: staged() == [])


def end(page: UploadPage, ref: str, how: str) -> None:
    if how.startswith("cancel"):
        page.send({"type": "upload_cancel", "ref": ref})
        page.upload_answer(ref, "upload_cancelled")
    if how == "replace":
        other, _ = page.register("doc", "b.txt", 5000)
        page.send({"type": "upload_cancel", "ref": other})
    if how.endswith("disconnect"):
        assert page._communicator is not None
        page._put({"type": "websocket.disconnect", "code": 1006})


def go_on(page: UploadPage, how: str) -> None:
    if how.endswith("disconnect"):
        page.drop_connection()
        page.reconnect()
    assert_works(page)
