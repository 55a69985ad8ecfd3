"""Which upload a key belongs to, and what is no event at all."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.test import Client

from uploads.s3.notifications.parsing import parse_s3_event, upload_id_of
from uploads.s3.notifications.sns import Malformed
from uploads.tests.direct_project import signer
from uploads.tests.s3.notifications.delivering import ID, KEY, UUID, deliver
from uploads.tests.signing import event, record


@pytest.mark.parametrize(
    ("key", "upload_id"),
    [
        (KEY, ID),
        (f"uploads/{UUID}/a.jpg", UUID),
        (f"acme/{UUID}/a.jpg", UUID),
        (f"a/b/c/{UUID}", UUID),
        (f"{UUID}/{ID}/a.jpg", UUID),  # the first wins
        (f"uploads/{ID}/{UUID}/a.jpg", ID),
        (f"{'A' * 32}/x", "A" * 32),
        (f"incoming/uploads/{ID}/x", ID),
        (f"x{UUID}/a.jpg", f"x{UUID}/a.jpg"),
        ("photos/a.jpg", "photos/a.jpg"),
    ],
)
def test_the_upload_of_a_key(project: None, key: str, upload_id: str) -> None:
    assert upload_id_of(key) == upload_id


def test_our_own_keys_have_the_id_at_a_fixed_place(project: None, settings: Any) -> None:
    """A tenant's id may also be a UUID."""
    settings.UPLOADS = {**settings.UPLOADS, "S3": {"PREFIX": f"{UUID}/files/"}}

    assert upload_id_of(f"{UUID}/files/{ID}/a.jpg") == ID


def test_a_key_that_names_no_upload_is_told_at_debug_level(project: None, caplog: pytest.LogCaptureFixture) -> None:
    """Seed 001: "my hook isn't being called"."""
    with caplog.at_level(logging.DEBUG, "uploads.s3_events"):
        upload_id_of(f"a/{UUID}/x.jpg")
        assert caplog.records == []
        upload_id_of("photos/a.jpg")

    (logged,) = caplog.records
    assert (logged.name, logged.levelname) == ("uploads.s3_events", "DEBUG")
    assert "photos/a.jpg" in logged.getMessage() and "<upload_id_uuid>" in logged.getMessage()


def test_a_key_is_decoded_as_a_form(project: None) -> None:
    """S3 writes a space as a plus sign, and everything else that isn't plain as UTF-8."""
    raw = record("b", "uploads/a b+ü🎬.txt")
    assert raw["s3"]["object"]["key"] == "uploads/a+b%2B%C3%BC%F0%9F%8E%AC.txt"

    (parsed,) = parse_s3_event(event(raw))

    assert parsed.key == "uploads/a b+ü🎬.txt"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"Records": None},
        {"Records": {}},
        {"Records": "x"},
        [],
        "text",
        None,
    ],
)
def test_what_is_no_event_is_malformed(project: None, payload: Any) -> None:
    with pytest.raises(Malformed):
        parse_s3_event({"Message": json.dumps(payload)})


GOOD = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "k", "size": 5}}}


@pytest.mark.parametrize(
    "record",
    [
        "x",
        None,
        {},
        {"eventName": "ObjectCreated:Put", "s3": {}},
        {"eventName": 1, "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}},
        {"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": ["k"]}}},
        {"eventName": "x", "s3": {"bucket": "b", "object": {"key": "k"}}},
        *(
            {"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": key}}}
            for key in ("", "%ff", "k" * 1025)
        ),
    ],
)
def test_what_is_no_record_of_an_object_takes_no_other_along(project: None, record: Any) -> None:
    assert [event.size for event in parse_s3_event({"Records": [record, GOOD, record]})] == [5]


@pytest.mark.parametrize("size", [None, "5", -1, True, 5.0, []])
@pytest.mark.parametrize("etag", [None, 5, {}])
def test_what_is_not_used_may_be_of_any_type(project: None, size: Any, etag: Any) -> None:
    """S3's own `ObjectTagging` events and those of some storages have nulls there."""
    thing = {"key": "k", "size": size, "eTag": etag, "versionId": None, "sequencer": 7}
    record = {
        "eventName": "ObjectTagging:Put",
        "eventTime": None,
        "s3": {"bucket": {"name": "b", "arn": 1}, "object": thing},
    }

    [event] = parse_s3_event({"Records": [record]})

    assert (event.key, event.size, event.etag) == ("k", 0, "")


@pytest.mark.parametrize("text", ["", "not json", "[" * 100_000])
def test_text_that_is_no_event_is_answered_with_400(hooked: Client, text: str, heads: list[str]) -> None:
    answer = deliver(hooked, signer.notification(text))

    assert (answer.status_code, answer.json()) == (400, {"error": "malformed"})
    assert heads == []
