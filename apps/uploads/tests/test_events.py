"""What is told of uploads, and what never is."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from uploads import UploadError, events
from uploads.testing import Refused, UploadPage
from uploads.tests.project import BenchView

Site = Callable[..., UploadPage]
NAME = "my-secret-diary.txt"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The fields of all events so far."""
    with caplog.at_level(logging.INFO, "uploads.events"):
        yield lambda: [vars(record)["fields"] for record in caplog.records if record.name == "uploads.events"]


def test_an_upload_is_told_from_its_registration_to_its_use(site: Site, told: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(BenchView, "script", staticmethod(lambda view: list(view.consume_uploaded_entries("doc"))))
    page = site()
    page.upload("doc", NAME, b"x" * 3000)
    page.click("run")

    found = told()
    assert [fields["event"] for fields in found] == ["registered", "ready", "consumed"]
    assert [fields["bytes"] for fields in found] == [0, 3000, 3000]
    assert [fields["outcome"] for fields in found] == ["", "ok", "ok"]
    assert len({fields["upload"] for fields in found}) == 1
    assert all(fields["seconds"] >= 0 and fields["size"] == 3000 and fields["slot"] == "doc" for fields in found)


def test_a_refusal_is_told_with_its_code(site: Site, told: Any, monkeypatch: Any) -> None:
    def refuse(entry: object) -> None:
        raise UploadError("too_wide", f"{NAME} is too wide.")

    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    page = site()
    with pytest.raises(Refused):
        page.upload("small", NAME, b"x" * 1001)
    with pytest.raises(Refused):
        page.upload("doc", NAME, b"x")

    assert [(fields["event"], fields["outcome"]) for fields in told()] == [
        ("rejected", "too_large"),
        ("registered", ""),
        ("rejected", "too_wide"),
    ]


def test_a_cancelled_upload_is_told(site: Site, told: Any) -> None:
    page = site()
    ref = page.upload("doc", NAME, b"x")
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")

    assert [fields["event"] for fields in told()] == ["registered", "ready", "cancelled"]


def test_names_and_content_are_never_told(site: Site, told: Any, client: Client) -> None:
    client.force_login(get_user_model().objects.create_user("ann", email="ann@example.com"))
    page = site(client=client)
    page.upload("doc", NAME, b"dear diary")

    everything = json.dumps(told())
    assert told()
    assert not [word for word in ("secret", "diary", "dear", "ann", "user:") if word in everything]


def test_a_visitor_is_the_same_in_all_his_uploads_and_another_in_others(site: Site, told: Any, client: Client) -> None:
    client.force_login(get_user_model().objects.create_user("ann"))
    other = Client()
    other.force_login(get_user_model().objects.create_user("bob"))
    for visitor in (client, client, other):
        site(client=visitor).upload("doc", NAME, b"x")

    first, second, third = [fields["visitor"] for fields in told() if fields["event"] == "registered"]
    assert first == second != third
    assert len(first) == len(third) == 12


def test_whoever_counts_gets_the_same_fields(site: Site, told: Any) -> None:
    got: list[tuple[str, dict[str, Any]]] = []

    def receiver(event: str, fields: dict[str, Any], **_: Any) -> None:
        got.append((event, fields))

    events.upload_event.connect(receiver)
    try:
        site().upload("doc", NAME, b"x")
    finally:
        events.upload_event.disconnect(receiver)

    assert got == [(fields["event"], fields) for fields in told()]


def test_a_receiver_that_fails_hurts_no_upload(site: Site, told: Any, allowed: set[str]) -> None:
    allowed.add("Error calling")

    def receiver(**_: Any) -> None:
        raise RuntimeError

    events.upload_event.connect(receiver)
    try:
        site().upload("doc", NAME, b"x")
    finally:
        events.upload_event.disconnect(receiver)

    assert [fields["event"] for fields in told()] == ["registered", "ready"]
