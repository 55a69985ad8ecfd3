"""Uploads of a page without a WebSocket: whose they are, how they end, and who else may resume them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from uploads import UploadEntry, UploadError
from uploads.entries.uploader import NOBODY, Uploader
from uploads.fallback import parked
from uploads.stores import Record, get_store
from uploads.tests.fallback.page import BENCH, DATA, Page, codes, consume, sha256
from uploads.tests.fallback.project import EagerView, ShelfWriter
from uploads.tests.project import BenchView

Staged = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def bench(project: None, transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ROOT_URLCONF = "uploads.tests.fallback.project"
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: None))
    monkeypatch.setattr(BenchView, "script", staticmethod(consume("doc", "docs", "video")))


# Whose it is


def test_another_visitor_can_neither_write_nor_claim_nor_cancel(staged: Staged) -> None:
    page, stranger = Page(), Page()
    upload_id = page.begin(upto=10)

    assert stranger.chunk(upload_id, 10, DATA[10:]).status_code == 404
    assert stranger.answer("upload_cancel", ref="r-1", upload_id=upload_id)["code"] == "unknown_ref"
    assert stranger.done(upload_id)["code"] == "unknown_ref"
    page.chunk(upload_id, 10, DATA[10:])
    answer = stranger.submit(f"{upload_id} r-1")

    assert codes(answer) == []
    assert "nothing" in answer.json()["page"]
    assert sha256() in page.submit(f"{upload_id} r-1").json()["page"]


def test_another_page_of_the_same_visitor_has_no_part_in_it() -> None:
    page = Page()
    other = Page("/writers/", page.client)
    upload_id = page.begin(upto=10)

    assert other.chunk(upload_id, 10, DATA[10:]).status_code == 404
    assert other.done(upload_id)["code"] == "unknown_ref"


@pytest.mark.parametrize("kind", ["message", "chunk", "form"])
def test_a_request_without_the_csrf_token_is_refused(kind: str) -> None:
    page = Page()
    upload_id = page.register()["upload_id"]
    headers = {"X-Upload": kind, "X-Upload-Id": upload_id, "Upload-Offset": "0"}

    answer = page.client.post(BENCH, DATA, content_type="application/octet-stream", headers=headers)

    assert answer.status_code == 403
    assert page.chunk(upload_id, 0, DATA[:10]).json() == {"offset": 10}


def test_the_page_s_own_rules_of_who_may_see_it_hold() -> None:
    client = Client(enforce_csrf_checks=True)
    page = Page()

    answers = [
        client.get("/members/", headers={"X-Upload": "config"}),
        page.client.post(
            "/members/",
            b"{}",
            content_type="application/json",
            headers={"X-Upload": "message", "X-CSRFToken": page.config["csrf_token"]},
        ),
    ]

    assert [answer.status_code for answer in answers] == [302, 302]


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"type": "mount"}', b'{"type": "upload_done"}'])
def test_a_message_that_none_of_ours_sends_is_refused(body: bytes) -> None:
    answer = Page().send("message", body, "application/json")

    assert (answer.status_code, answer.json()["error"]) == (400, "bad_body")


def test_an_endless_message_is_refused() -> None:
    answer = Page().send("message", b" " * 100_000, "application/json")

    assert answer.status_code == 413


@pytest.mark.parametrize("named", ["", "x", "x y z", "0" * 32, f"{'0' * 32} r-1", "\0 r-1"])
def test_names_of_nothing_in_a_form_are_passed_over(named: str) -> None:
    answer = Page().submit(named)

    assert codes(answer) == []
    assert "nothing" in answer.json()["page"]


@pytest.fixture
def picky_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """As PostgreSQL, which takes no NUL."""
    store = type(get_store())
    load = store.load

    def checked(self: Any, upload_id: str) -> Any:
        assert "\0" not in upload_id
        return load(self, upload_id)

    monkeypatch.setattr(store, "load", checked)


@pytest.mark.parametrize("kind", ["upload_cancel", "upload_done"])
def test_an_id_with_a_nul_is_no_message(picky_database: None, kind: str) -> None:
    body = json.dumps({"type": kind, "ref": "r-1", "upload_id": "\0"}).encode()
    answer = Page().send("message", body, "application/json")

    assert (answer.status_code, answer.json()["error"]) == (400, "bad_body")


def test_nor_is_one_in_a_form_or_a_header_looked_for(picky_database: None) -> None:
    page = Page()

    assert codes(page.submit("\0 r-1")) == []
    assert page.chunk("\0", 0, DATA).status_code == 404


def test_an_upload_that_is_named_twice_is_one_file() -> None:
    page = Page()
    upload_id = page.begin("docs")

    answer = page.submit(f"{upload_id} r-1", f"{upload_id} r-2", f"{upload_id} r-1")

    assert codes(answer) == ["upload_consumed"]
    assert answer.json()["page"].count(sha256()) == 1


def test_a_form_that_is_sent_again_consumes_nothing_twice() -> None:
    page = Page()
    upload_id = page.begin()
    page.submit(f"{upload_id} r-1")

    assert "nothing" in page.submit(f"{upload_id} r-1").json()["page"]


# Ends


def test_a_cancelled_upload_leaves_nothing(staged: Staged) -> None:
    page = Page()
    upload_id = page.begin()
    assert staged() == [upload_id]

    assert page.answer("upload_cancel", ref="r-1", upload_id=upload_id) == {"type": "upload_cancelled", "ref": "r-1"}

    assert staged() == []
    assert page.chunk(upload_id, 0, DATA).status_code == 404
    assert "nothing" in page.submit(f"{upload_id} r-1").json()["page"]


def test_one_that_is_cancelled_while_a_chunk_is_written_leaves_nothing(staged: Staged) -> None:
    page = Page()
    upload_id = page.begin(upto=10)
    record = get_store().load(upload_id)
    assert record is not None

    def pieces(record: Record) -> Any:
        yield DATA[10:20]
        parked.remove(record, NOBODY)
        yield DATA[20:]

    with pytest.raises(UploadError, match="has expired"):
        parked.append(record, 10, pieces(record), NOBODY)

    assert staged() == []
    assert get_store().load(upload_id) is None


def test_one_whose_record_has_expired_is_no_longer_known() -> None:
    page = Page()
    upload_id = page.begin()
    get_store().touch(upload_id, -1)

    assert page.chunk(upload_id, 0, DATA).status_code == 404
    assert "nothing" in page.submit(f"{upload_id} r-1").json()["page"]
    assert get_store().prune() == 1


# Slots that take finished files themselves


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes of what `progress` has consumed."""
    taken: list[str] = []

    def take(view: EagerView, entry: UploadEntry) -> None:
        for each in view.consume_uploaded_entries("eager") if entry.complete else ():
            taken.append(each.sha256)
        view.said = f"{len(taken)} taken"

    monkeypatch.setattr(EagerView, "take", staticmethod(take))
    return taken


def test_a_slot_s_progress_may_take_the_file_as_soon_as_it_is_there(staged: Staged, taken: list[str]) -> None:
    page = Page("/eager/")
    upload_id = page.begin("eager")

    answer = page.tell("upload_done", ref="r-1", upload_id=upload_id).json()

    assert answer["messages"] == [{"type": "upload_consumed", "ref": "r-1"}]
    assert "1 taken" in answer["page"]
    assert taken == [sha256()]
    assert staged() == []


def test_a_session_that_ends_just_then_loses_nothing_and_tells_the_view_nothing(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[UploadEntry] = []
    monkeypatch.setattr(EagerView, "take", staticmethod(lambda view, entry: told.append(entry)))
    page = Page("/eager/")
    upload_id = page.begin("eager")
    looks: list[int] = []

    def expect(self: Uploader) -> None:
        looks.append(1)
        if len(looks) == 2:  # the first is of the resume, the second of the settling
            raise UploadError("session_ended")

    with monkeypatch.context() as patch:
        patch.setattr(Uploader, "expect_session", expect)
        assert page.done(upload_id)["code"] == "session_ended"

    assert told == [] and staged() == [upload_id]
    assert page.tell("upload_done", ref="r-1", upload_id=upload_id).json()["messages"][0]["type"] == "upload_ready"


def test_the_same_question_again_has_the_same_answer_and_takes_nothing_twice(taken: list[str]) -> None:
    page = Page("/eager/")
    upload_id = page.begin("eager")
    page.done(upload_id)

    assert page.done(upload_id) == {"type": "upload_consumed", "ref": "r-1"}
    assert page.chunk(upload_id, 0, DATA).json() == {"offset": len(DATA)}
    assert taken == [sha256()]


@pytest.mark.parametrize("step", ["write_chunk", "close"])
def test_a_writer_whose_storage_is_away_gets_the_file_later(
    staged: Staged, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    failures = [UploadError("storage_unavailable")]
    original = getattr(ShelfWriter, step)

    def fail_first(self: ShelfWriter, *given: Any) -> Any:
        if failures:
            raise failures.pop()
        return original(self, *given)

    monkeypatch.setattr(ShelfWriter, step, fail_first)
    page = Page("/eager/")
    upload_id = page.begin("shelf")
    assert page.done(upload_id)["type"] == "upload_ready"

    first = page.submit(f"{upload_id} r-1")
    assert [(told["type"], told["kept"]) for told in first.json()["messages"]] == [("upload_error", True)]
    assert staged() == [upload_id]

    page.submit(f"{upload_id} r-1")
    assert sha256(ShelfWriter.shelf[-1]) == sha256()
    assert staged() == []


def test_a_check_that_cannot_say_now_is_asked_again(
    staged: Staged, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [UploadError("busy")]

    def check(entry: UploadEntry) -> None:
        if failures:
            raise failures.pop()

    original = EagerView.mount

    def mount(self: EagerView, request: Any, **given: Any) -> None:
        original(self, request, **given)
        self.allow_upload("eager", accept=".txt", progress=self.on_progress, validators=[check])

    monkeypatch.setattr(EagerView, "mount", mount)
    page = Page("/eager/")
    upload_id = page.begin("eager")

    assert page.tell("upload_done", ref="r-1", upload_id=upload_id).status_code == 503
    assert page.done(upload_id)["type"] == "upload_consumed"
    assert taken == [sha256()]


def test_one_that_fails_at_it_says_so_and_leaves_nothing(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(view: EagerView, entry: UploadEntry) -> None:
        raise RuntimeError("not today")

    monkeypatch.setattr(EagerView, "take", staticmethod(fail))
    page = Page("/eager/")

    assert page.done(page.begin("eager"))["code"] == "server_error"
    assert staged() == []


def test_a_file_has_its_folder_when_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    paths: list[str] = []
    monkeypatch.setattr(EagerView, "take", staticmethod(lambda view, entry: paths.append(entry.client_path)))
    page = Page("/eager/")
    registered = page.answer(
        "upload_register", slot="eager", ref="r-1", name="a.txt", size=5, mime="", path="papers/old/a.txt"
    )
    page.chunk(registered["upload_id"], 0, b"hello")

    page.done(registered["upload_id"])

    assert paths == ["papers/old/a.txt"]


def test_one_that_leaves_it_gets_it_with_the_form(
    staged: Staged, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EagerView, "take", staticmethod(lambda view, entry: None))
    page = Page("/eager/")
    upload_id = page.begin("eager")
    assert page.done(upload_id)["type"] == "upload_ready"
    assert staged() == [upload_id]

    answer = page.submit(f"{upload_id} r-1")

    assert sha256() in answer.json()["page"]
    assert staged() == []


def test_what_the_checks_make_of_a_file_does_not_pile_up(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: entry.sibling("thumb").write_bytes(b"small")))
    page = Page()
    upload_id = page.begin()

    page.done(upload_id)

    assert staged() == [upload_id]


# Slots with a writer


def test_a_writer_gets_the_bytes_with_the_form(staged: Staged) -> None:
    page = Page("/eager/")
    upload_id = page.begin("shelf")
    assert page.done(upload_id)["type"] == "upload_ready"

    answer = page.submit(f"{upload_id} r-1")

    assert codes(answer) == ["upload_consumed"]
    assert ShelfWriter.shelf[-1] == DATA
    assert staged() == []


# Between a socket and none


def test_what_began_here_is_resumed_over_a_socket(site: Callable[..., Any]) -> None:
    page = Page()
    upload_id = page.begin("video", upto=50_000)
    client = Client()
    client.cookies = page.client.cookies
    live = site(BENCH, client)

    answer = live.resume("video", upload_id, len(DATA))
    live.send_rest(answer["channel"], DATA, answer["offset"])
    live.upload_answer(answer["ref"], "upload_ready")
    live.submit("run")

    assert answer["offset"] == 50_000
    assert f"{sha256()}(video)" in live.html


def test_what_began_over_a_socket_is_resumed_here(site: Callable[..., Any]) -> None:
    page = Page()
    client = Client()
    client.cookies = page.client.cookies
    live = site(BENCH, client)
    upload_id, channel = live.register_resumable("video", "a.txt", len(DATA))
    live.send_rest(channel, DATA[:65_536])
    live.wait_until(lambda message: message["type"] == "upload_progress" and [channel, 65_536] in message["offsets"])
    live.drop_connection()

    fields = {"slot": "video", "ref": "r-1", "upload_id": upload_id, "offset": 0, "size": len(DATA), "holder": "page"}
    answer = page.answer("upload_resume", **fields)
    page.chunk(upload_id, answer["offset"], DATA[answer["offset"] :])

    assert (answer["accepted"], answer["offset"]) == (True, 65_536)
    assert answer["digest"] == sha256(DATA[:65_536])
    assert f"{sha256()}(video)" in page.submit(f"{upload_id} r-1").json()["page"]


def test_a_stranger_resumes_nothing() -> None:
    page, stranger = Page(), Page()
    upload_id = page.begin("video", upto=50_000)

    fields = {"slot": "video", "ref": "r-1", "upload_id": upload_id, "offset": 0, "size": len(DATA), "holder": "x"}
    answer = stranger.answer("upload_resume", **fields)

    assert (answer["accepted"], answer["code"]) == (False, "unknown_ref")


def test_a_record_of_another_way_in_is_not_claimed() -> None:
    page = Page()
    upload_id = page.begin()
    record = get_store().load(upload_id)
    assert record is not None
    get_store().replace(replace(record, http={}))

    assert page.chunk(upload_id, 0, DATA).status_code == 404
