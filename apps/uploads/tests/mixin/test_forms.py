"""A form without JavaScript goes through the same slots."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Site, Staged, handle

from .seeing import errors_in


@pytest.fixture
def post(site: Site, client: Client) -> Any:
    """Posts the bench's form; the page that comes back."""

    def send(**fields: Any) -> str:
        return client.post("/bench/", {"_event": "run", **fields}).content.decode()

    return send


def txt(name: str = "a.txt", data: bytes = TEXT) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "text/plain")


def test_a_posted_file_goes_through_the_same_slot(post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    handle(
        monkeypatch,
        lambda view: seen.extend((e.client_name, e.data, e.complete) for e in view.consume_uploaded_entries("doc")),
    )
    assert errors_in(post(doc=txt())) == []
    assert seen == [("a.txt", TEXT, True)]
    assert staged() == []


def test_several_slots_and_files_may_be_posted_at_once(
    post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def script(view: BenchView) -> None:
        for slot in ("doc", "docs"):
            seen.extend((slot, e.client_name, e.size) for e in view.consume_uploaded_entries(slot))

    handle(monkeypatch, script)
    post(doc=txt(), docs=[txt("1.txt", b"1"), txt("2.txt", b"22")])
    assert seen == [("doc", "a.txt", len(TEXT)), ("docs", "1.txt", 1), ("docs", "2.txt", 2)]
    assert staged() == []


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("a.exe", b"MZ", "a.exe: This kind of file isn&#x27;t accepted here: choose .png, .txt."),
        ("a.png", b"MZ", "a.png: It is named .png, but it isn&#x27;t a PNG image."),
        ("a.txt", b"", "a.txt: This file is empty."),
    ],
)
def test_a_refused_file_is_named_on_the_page_and_nothing_is_saved(
    post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, error: str
) -> None:
    ran: list[Any] = []
    handle(monkeypatch, ran.append)
    assert errors_in(post(docs=[txt("good.txt"), txt(name, data)])) == [error]
    assert ran == []
    assert staged() == []


def test_posted_files_that_are_too_large_or_too_many_are_refused(post: Any, staged: Staged) -> None:
    page = post(docs=[txt(f"{number}.txt") for number in range(4)], small=txt("small.txt"))
    assert errors_in(page) == [
        "3.txt: Only 3 files can be uploaded at a time.",
        "small.txt: This file is too large. The limit is 1\u00a0kB.",
    ]
    assert staged() == []


def test_a_validator_also_refuses_a_posted_file(post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(entry: UploadEntry) -> None:
        entry.sibling("derived").write_bytes(b"x")
        raise UploadError("bad_content")

    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    assert errors_in(post(doc=txt())) == ["a.txt: This file is damaged or can&#x27;t be read."]
    assert staged() == []


def test_a_single_slot_takes_the_last_of_two_posted_files_and_keeps_none(
    post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    handle(monkeypatch, lambda view: seen.extend(e.client_name for e in view.consume_uploaded_entries("doc")))
    post(doc=[txt("1.txt"), txt("2.txt")])
    assert seen == ["2.txt"]
    assert staged() == []


@pytest.mark.parametrize("how", ["unconsumed", "raises"])
def test_what_a_post_did_not_consume_goes_with_it(
    post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch, allowed: set[str], how: str
) -> None:
    def script(view: BenchView) -> None:
        if how == "raises":
            for _ in view.consume_uploaded_entries("docs"):
                raise ZeroDivisionError

    handle(monkeypatch, script)
    if how == "raises":
        allowed.add("Internal Server Error: /bench/")
        with pytest.raises(ZeroDivisionError):
            post(docs=[txt("1.txt"), txt("2.txt")])
    else:
        post(docs=[txt("1.txt"), txt("2.txt")])
    assert staged() == []


def test_a_file_for_an_unknown_slot_is_ignored(post: Any, staged: Staged) -> None:
    assert errors_in(post(nowhere=txt())) == []
    assert staged() == []


def test_a_form_without_its_token_is_refused_before_its_file_is_looked_at(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Any] = []
    handle(monkeypatch, ran.append)
    answer = Client(enforce_csrf_checks=True).post("/bench/", {"_event": "run", "doc": txt()})
    assert answer.status_code == 403
    assert (ran, staged()) == ([], [])
