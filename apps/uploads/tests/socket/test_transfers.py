"""Files that arrive as they should, one or many, and what page and view are told of them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from uploads.tests.support import TEXT, Gate, Site, Staged, handle, until

# What should happen


@pytest.mark.parametrize("size", [1, 4095, 4096, 65_536, 65_537, 300_000])
@pytest.mark.parametrize("chunk", [1024, 65_536, 200_000])
def test_what_arrives_is_what_was_sent(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch, size: int, chunk: int
) -> None:
    found = []
    handle(monkeypatch, lambda view: found.extend((e.sha256, e.data) for e in view.consume_uploaded_entries("doc")))
    page = site()
    page.upload("doc", "a.txt", TEXT[:size], chunk=chunk)
    page.submit("run")
    assert found == [(hashlib.sha256(TEXT[:size]).hexdigest(), TEXT[:size])]
    assert staged() == []


def test_progress_is_cumulative_and_ends_with_every_byte(site: Site) -> None:
    page = site()
    page.upload("doc", "a.txt", TEXT, chunk=10_000)
    offsets = [pair for message in page.received if message["type"] == "upload_progress" for pair in message["offsets"]]
    assert {channel for channel, _ in offsets} == {1}
    assert [offset for _, offset in offsets] == sorted({offset for _, offset in offsets})
    assert offsets[-1] == [1, len(TEXT)]


def test_all_credit_comes_back(site: Site, settings: Any) -> None:
    settings.UPLOADS |= {"WINDOW": 60_000}
    page = site()
    page.upload("doc", "a.txt", TEXT, chunk=10_000)
    page.upload("doc", "b.txt", TEXT, chunk=7_000)
    page.submit("say", text="x")
    assert page.credit == page.sent + 60_000


def test_files_may_travel_side_by_side(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    handle(monkeypatch, lambda view: found.update({e.name: e.data for e in view.consume_uploaded_entries("docs")}))
    page = site()
    files = {f"{n}.txt": TEXT[n * 1000 :] for n in range(3)}
    channels = {name: page.register("docs", name, len(data)) for name, data in files.items()}
    for offset in range(0, len(TEXT), 50_000):
        for name, (_ref, channel) in channels.items():
            page.send_chunk(channel, offset, files[name][offset : offset + 50_000])
    for ref, _ in channels.values():
        page.upload_answer(ref, "upload_ready")
    page.submit("run")
    assert found == files


def test_the_page_is_told_its_slots_once_and_again_when_they_change(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = site()
    page.submit("run")
    handle(monkeypatch, lambda view: view.allow_upload("extra", accept=".txt"))
    page.submit("run")
    page.submit("run")
    told = [set(message["slots"]) for message in page.received if message["type"] == "upload_config"]
    assert told == [
        {"doc", "docs", "small", "tight", "many", "images", "anything", "video", "verified"},
        told[0] | {"extra"},
    ]


# Many at once


def test_hundreds_of_files_that_are_ready_do_not_crowd_out_a_click(
    site: Site, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    """Each of them has something to tell the view, which is busy; the visitor's own events still get in."""
    told: list[str] = []
    page = site()
    handle(
        monkeypatch,
        lambda view: view.allow_upload(
            "docs", accept=".txt", max_entries=200, progress=lambda entry: told.append(entry.ref)
        ),
    )
    page.submit("run")
    handle(monkeypatch, lambda view: gate())
    page.send({"type": "event", "ref": 9001, "name": "run", "params": {}})
    gate.wait()
    refs = [page.upload("docs", f"{number}.txt", TEXT[:100]) for number in range(100)]

    page.send({"type": "event", "ref": 9002, "name": "say", "params": {"text": "I got in"}})
    gate.open()
    page.wait_until(lambda message: message.get("ref") == 9002)

    assert page.received[-1]["type"] == "ack"
    until(lambda: set(refs) <= set(told))


# What a view is told


def test_a_view_learns_the_code_of_a_refusal_and_the_folder_that_a_file_was_in(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str | None]] = []
    page = site()
    handle(
        monkeypatch,
        lambda view: view.allow_upload(
            "docs", accept=".txt", progress=lambda entry: told.append((entry.client_path, entry.error_code))
        ),
    )
    page.submit("run")
    refused = {"type": "upload_register", "slot": "docs", "name": "a.exe", "size": 5, "mime": ""}

    page.send({**refused, "ref": "in-a-folder", "path": "papers/../old/a.exe"})
    page.send({**refused, "ref": "in-none"})

    until(lambda: told == [("papers/old/a.exe", "bad_ext"), ("a.exe", "bad_ext")])
