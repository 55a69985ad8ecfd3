"""Uploads of a page without a WebSocket: its own messages by HTTP, and a form that names what was sent before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from uploads import UploadEntry, UploadError
from uploads.stores import get_store
from uploads.tests.fallback.page import BENCH, DATA, Page, codes, consume, sha256
from uploads.tests.project import BenchView

Staged = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def bench(project: None, transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ROOT_URLCONF = "uploads.tests.fallback.project"
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: None))
    monkeypatch.setattr(BenchView, "script", staticmethod(consume("doc", "docs", "video")))


# The whole way


def test_a_file_in_chunks_is_consumed_by_its_form(staged: Staged) -> None:
    page = Page()
    upload_id = page.register()["upload_id"]
    offsets = [page.chunk(upload_id, at, DATA[at : at + 50_000]).json()["offset"] for at in range(0, len(DATA), 50_000)]
    assert offsets == [50_000, 100_000, len(DATA)]
    assert page.done(upload_id) == {"type": "upload_ready", "ref": "r-1"}

    answer = page.submit(f"{upload_id} r-1")

    assert codes(answer) == ["upload_consumed"]
    assert f"{sha256()}(doc)" in answer.json()["page"]
    assert staged() == []
    assert get_store().load(upload_id) is None


def test_the_page_is_told_what_it_takes() -> None:
    config = Page().config

    assert config["slots"]["doc"]["max_file_size"] == 50_000_000
    assert config["slots"]["video"]["resumable"] is True
    assert config["max_chunk"] == 4 * 1024 * 1024


def test_chunks_fit_into_what_the_path_takes(settings: Any) -> None:
    settings.LIVEVIEW = {"BODY_LIMITS": [(BENCH, 100_000)]}
    page = Page()
    upload_id = page.register()["upload_id"]

    refused = page.chunk(upload_id, 0, DATA[:100_001])

    assert page.config["max_chunk"] == 100_000
    assert (refused.status_code, refused.json()["error"]) == (413, "too_large")
    assert page.chunk(upload_id, 0, DATA[:100_000]).json() == {"offset": 100_000}


def test_several_files_of_one_form() -> None:
    page = Page()
    one, two = page.begin("docs", b"first", "r-1"), page.begin("docs", b"second", "r-2")

    answer = page.submit(f"{one} r-1", f"{two} r-2")

    assert f"{sha256(b'first')}(docs) {sha256(b'second')}(docs)" in answer.json()["page"]


def test_a_form_of_the_browser_s_own_still_works() -> None:
    page = Page()

    answer = page.client.post(BENCH, {"_event": "run", "csrfmiddlewaretoken": page.config["csrf_token"]})

    assert answer.status_code == 200
    assert b"nothing" in answer.content


# Offsets


def test_a_chunk_that_is_sent_again_changes_nothing() -> None:
    page = Page()
    upload_id = page.begin(upto=50_000)

    assert page.chunk(upload_id, 0, DATA[:50_000]).json() == {"offset": 50_000}
    assert page.chunk(upload_id, 20_000, DATA[20_000:30_000]).json() == {"offset": 50_000}
    assert page.chunk(upload_id, 40_000, DATA[40_000:]).json() == {"offset": len(DATA)}
    assert sha256() in page.submit(f"{upload_id} r-1").json()["page"]


def test_a_chunk_that_leaves_a_gap_is_told_where_to_continue(staged: Staged) -> None:
    page = Page()
    upload_id = page.begin(upto=10)

    answer = page.chunk(upload_id, 11, DATA[11:20])

    assert answer.status_code == 409
    assert (answer.json()["error"], answer.json()["offset"]) == ("bad_offset", 10)
    assert page.chunk(upload_id, 10, DATA[10:]).json() == {"offset": len(DATA)}


@pytest.mark.parametrize("offset", ["", "-1", "1.0", "ten", "٣", "9" * 17])
def test_an_offset_that_is_no_number_is_refused(offset: str) -> None:
    page = Page()
    upload_id = page.register()["upload_id"]
    headers = {"X-Upload-Id": upload_id, "Upload-Offset": offset}

    answer = page.send("chunk", b"hello", "application/offset+octet-stream", **headers)

    assert (answer.status_code, answer.json()["error"]) == (400, "bad_header")


def test_more_bytes_than_were_announced_are_not_taken(staged: Staged) -> None:
    page = Page()
    upload_id = page.begin(upto=len(DATA) - 1)

    answer = page.chunk(upload_id, len(DATA) - 1, b"ab")

    assert (answer.status_code, answer.json()["error"]) == (400, "size_mismatch")
    assert page.chunk(upload_id, len(DATA) - 1, DATA[-1:]).json() == {"offset": len(DATA)}


def test_a_second_writer_is_told_to_wait() -> None:
    page = Page()
    upload_id = page.begin(upto=10)
    lease = get_store().acquire(upload_id, "another request", 60)
    assert lease is not None

    assert page.chunk(upload_id, 10, DATA[10:]).status_code == 423
    assert page.tell("upload_done", ref="r-1", upload_id=upload_id).status_code == 423
    get_store().release(lease)

    assert page.chunk(upload_id, 10, DATA[10:]).json() == {"offset": len(DATA)}


# What is refused


@pytest.mark.parametrize(
    ("slot", "name", "size", "code"),
    [
        ("small", "a.txt", 1001, "too_large"),
        ("doc", "a.exe", 10, "bad_ext"),
        ("doc", "a.txt", 0, "empty"),
        ("doc", "", 10, "bad_name"),
        ("nowhere", "a.txt", 10, "unknown_slot"),
        ("tight", "a.txt", 5001, "total_too_large"),
    ],
)
def test_the_slot_s_own_rules_hold_before_a_byte_is_sent(slot: str, name: str, size: int, code: str) -> None:
    answer = Page().register(slot, name, size)

    assert (answer["type"], answer["ref"], answer["code"]) == ("upload_error", "r-1", code)
    assert answer["message"]


def test_a_file_that_is_not_what_its_name_says_ends_with_its_first_bytes(staged: Staged) -> None:
    page = Page()
    upload_id = page.register("images", "cute.png", 50_000)["upload_id"]

    answer = page.chunk(upload_id, 0, b"MZ" + bytes(20_000))

    assert (answer.status_code, answer.json()["error"]) == (415, "type_mismatch")
    assert staged() == []
    assert page.chunk(upload_id, 0, b"MZ").status_code == 404


def test_a_file_that_its_slot_refuses_says_so_before_the_form(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(entry: UploadEntry) -> None:
        raise UploadError("bad_content", "No poems.")

    monkeypatch.setattr(BenchView, "check", staticmethod(check))
    page = Page()
    upload_id = page.begin()

    answer = page.done(upload_id)

    assert (answer["code"], answer["message"]) == ("bad_content", "No poems.")
    assert staged() == []
    assert get_store().load(upload_id) is None


def test_a_good_file_waits_when_another_of_its_form_is_refused(staged: Staged) -> None:
    page = Page()
    good, half = page.begin("docs", b"good", "r-1"), page.begin("docs", b"half of it", "r-2", upto=4)

    first = page.submit(f"{good} r-1", f"{half} r-2")
    assert codes(first) == ["incomplete"]
    assert "nothing" not in first.json()["page"]  # the handler has not run
    page.chunk(half, 4, b" of it")
    second = page.submit(f"{good} r-1", f"{half} r-2")

    assert codes(second) == ["upload_consumed", "upload_consumed"]
    assert f"{sha256(b'good')}(docs) {sha256(b'half of it')}(docs)" in second.json()["page"]
    assert staged() == []


def test_a_form_that_skips_continues_without_the_refused_one(staged: Staged) -> None:
    page = Page()
    good, half = page.begin("docs", b"good", "r-1"), page.begin("docs", b"half of it", "r-2", upto=4)

    answer = page.submit(f"{good} r-1", f"{half} r-2", _upload_skip="1")

    assert sorted(codes(answer)) == ["incomplete", "upload_consumed"]
    assert f"{sha256(b'good')}(docs)" in answer.json()["page"]


def test_what_the_handler_leaves_waits_for_the_next_form(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page()
    upload_id = page.begin()
    monkeypatch.setattr(BenchView, "script", staticmethod(lambda view: None))
    assert codes(page.submit(f"{upload_id} r-1")) == []
    monkeypatch.setattr(BenchView, "script", staticmethod(consume("doc")))

    assert sha256() in page.submit(f"{upload_id} r-1").json()["page"]
    assert staged() == []


def test_a_handler_that_raises_loses_nothing(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(view: BenchView) -> None:
        next(view.consume_uploaded_entries("doc"))
        raise RuntimeError("not today")

    page = Page()
    upload_id = page.begin()
    monkeypatch.setattr(BenchView, "script", staticmethod(fail))
    with pytest.raises(RuntimeError):
        page.submit(f"{upload_id} r-1")
    monkeypatch.setattr(BenchView, "script", staticmethod(consume("doc")))

    assert sha256() in page.submit(f"{upload_id} r-1").json()["page"]


def test_more_files_than_the_slot_takes_are_refused_one_by_one() -> None:
    page = Page()
    named = [f"{page.begin('docs', b'a file', f'r-{n}')} r-{n}" for n in range(4)]

    answer = page.submit(*named)

    assert codes(answer) == ["too_many_files"]
    assert answer.json()["messages"][0]["ref"] == "r-3"
