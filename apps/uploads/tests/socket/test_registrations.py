"""What a page announces, and how often: cases C3, C8, C13 and C14."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from liveview.core.limits import Bucket
from uploads.socket import session
from uploads.testing import Refused
from uploads.tests.socket.offences import violation
from uploads.tests.support import TEXT, Site, Staged, assert_works, handle, until

# C3: registrations


@pytest.mark.parametrize(
    ("slot", "name", "size", "code"),
    [
        ("nowhere", "a.txt", 5, "unknown_slot"),
        ("__proto__", "a.txt", 5, "unknown_slot"),
        ("doc", "a.exe", 5, "bad_ext"),
        ("doc", "a.txt", 0, "empty"),
        ("doc", "a.txt", 50_000_001, "too_large"),
        ("doc", "a.txt", 2**53 - 1, "too_large"),
        ("doc", "a\0.txt", 5, "bad_name"),
        ("doc", "\ud800.txt", 5, "bad_name"),
        ("doc", "a" * 300 + ".txt", 5, "bad_name"),
        ("doc", "", 5, "bad_name"),
        ("tight", "a.txt", 5001, "total_too_large"),
        ("images", "a.svg", 5, "bad_ext"),
        ("anything", "a.html", 5, "bad_ext"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_a_byte_is_sent(
    site: Site, staged: Staged, slot: str, name: str, size: int, code: str
) -> None:
    page = site()
    with pytest.raises(Refused) as refused:
        page.register(slot, name, size, mime="text/plain")
    assert refused.value.code == code
    assert staged() == []
    assert_works(page)


def test_a_full_slot_says_so_and_a_failed_file_gives_its_place_back(site: Site) -> None:
    page = site()
    page.upload("docs", "1.txt", b"1")
    page.register("docs", "2.txt", 10)
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("docs", "3.png", b"not a png")
    page.register("docs", "4.txt", 10)
    with pytest.raises(Refused, match="too_many_files"):
        page.register("docs", "5.txt", 10)


def test_names_are_shown_escaped(site: Site) -> None:
    page = site()
    page.upload("doc", '"><img src=x onerror=alert(1)>.txt', b"hello")
    page.wait_html("onerror")
    assert "<img" not in page.html


def test_the_next_file_of_a_single_slot_takes_the_place_of_the_last(site: Site, staged: Staged) -> None:
    page = site()
    page.upload("doc", "first.txt", TEXT)
    page.upload("doc", "second.txt", TEXT)
    page.wait_html("second.txt")
    assert "first.txt" not in page.html
    until(lambda: len(staged()) == 1)


def test_a_file_is_replaced_in_the_middle_of_its_bytes(site: Site, staged: Staged) -> None:
    page = site()
    _ref, channel = page.register("doc", "first.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:100_000])
    ref, second = page.register("doc", "second.txt", len(TEXT))
    page.send_chunk(channel, 100_000, TEXT[100_000:200_000])  # was on its way
    page.send_rest(second, TEXT)
    page.upload_answer(ref, "upload_ready")
    assert_works(page)
    until(lambda: len(staged()) == 1)


def test_the_same_file_twice_is_two_files(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    handle(
        monkeypatch,
        lambda view: names.extend(
            default_storage.save(f"docs/{e.client_name}", e.file) for e in view.consume_uploaded_entries("docs")
        ),
    )
    page = site()
    for _ in range(2):
        page.upload("docs", "a.txt", TEXT)
    page.submit("run")
    assert len(set(names)) == 2
    for name in names:
        assert Path(default_storage.path(name)).read_bytes() == TEXT


def test_a_ref_twice_is_a_violation(site: Site, staged: Staged) -> None:
    page = site()
    ref, channel = page.register("docs", "a.txt", 5000)
    page.send({"type": "upload_register", "slot": "docs", "ref": ref, "name": "b.txt", "size": 1, "mime": ""})
    violation(page)
    page.send_chunk(channel, 0, TEXT[:5000])
    page.upload_answer(ref, "upload_ready")
    assert len(staged()) == 1


# C8, C14: messages


@pytest.mark.parametrize("size", ["-1", "NaN", '"10"', "true", "1e30", "2.5", "null", "[]", "9007199254740992"])
def test_a_size_is_a_whole_number_of_bytes(site: Site, size: str) -> None:
    page = site()
    message = '{"type":"upload_register","slot":"doc","ref":"r","name":"a.txt","mime":"","size":' + size + "}"
    page.send_text(message)
    violation(page)
    assert_works(page)
    page.send_text(message)
    page.send_text(message)
    assert page.wait_closed() == 4400


@pytest.mark.parametrize(
    "change",
    [
        {"ref": ""},
        {"ref": "a b"},
        {"ref": "a\n"},
        {"ref": "x" * 65},
        {"ref": 5},
        {"ref": "../x"},
        {"name": 5},
        {"name": ["a.txt"]},
        {"name": {"toString": "a.txt"}},
        {"name": None},
        {"name": "x" * 9000},
        {"slot": None},
        {"slot": "\ud800"},
        {"mime": "x" * 300},
        {"upload_id": "0" * 32},
        {"extra": 1},
    ],
)
def test_a_registration_is_taken_to_the_letter(site: Site, change: dict[str, Any]) -> None:
    page = site()
    message = {"type": "upload_register", "slot": "doc", "ref": "r", "name": "a.txt", "size": 5, "mime": ""}
    page.send(message | change)
    violation(page)
    assert_works(page)


# C13: floods


def test_registrations_are_limited_and_a_flood_closes_the_socket(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "Bucket", lambda rate, burst: Bucket(0, 5 if burst == 2000 else 10))
    page = site()
    for number in range(5):
        page.register("many", f"{number}.txt", 5)
    with pytest.raises(Refused, match="rate_limited"):
        page.register("many", "6.txt", 5)
    page.submit("say", text="still here")
    for number in range(10):
        page.send({"type": "upload_cancel", "ref": f"r{number}"})
    assert page.wait_closed() == 4429


def test_hundreds_of_files_may_be_registered_at_once(site: Site) -> None:
    page = site()
    for number in range(500):
        page.send(
            {"type": "upload_register", "slot": "many", "ref": f"r{number}", "name": "a.txt", "size": 5, "mime": ""}
        )
    page.wait_until(lambda message: message["type"] == "upload_registered" and message["ref"] == "r499")
    answered = [message["ref"] for message in page.received if message["type"] == "upload_registered"]
    assert answered == [f"r{number}" for number in range(500)]  # in their order: a page sends the first ones first
