"""A genuine event completes the upload it is of, and S3 itself has the last word."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from uploads.s3.notifications.hooks import CompletedUpload
from uploads.tests.direct_project import signer
from uploads.tests.moto import Moto
from uploads.tests.s3.notifications.delivering import ID, KEY, deliver, keep, put
from uploads.tests.signing import event, record, stamp


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_genuine_event_completes_the_upload(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], told: list[dict[str, Any]], version: str
) -> None:
    etag = put(s3)
    keep(size=5)

    answer = deliver(hooked, signer.notification(event(record(s3.bucket, KEY, 5)), version))

    assert (answer.status_code, answer.json()) == (200, {"ok": True, "completed": 1})
    assert completed == [CompletedUpload(ID, s3.bucket, KEY, 5, etag)]
    assert told == [{"upload_id": ID, "key": KEY, "size": 5, "etag": etag}]


def test_a_replayed_message_is_answered_and_does_nothing(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], heads: list[str]
) -> None:
    put(s3)
    keep(size=5)
    message = signer.notification(event(record(s3.bucket, KEY)))

    first, again = deliver(hooked, message), deliver(hooked, message)

    assert (first.json()["completed"], again.json()["completed"]) == (1, 0)
    assert again.status_code == 200
    assert len(completed) == 1 and heads == [KEY]


def test_s3_may_say_the_same_twice_and_hooks_hear_it_once(
    hooked: Client, s3: Moto, completed: list[CompletedUpload]
) -> None:
    put(s3)
    keep(size=5)

    for _ in range(2):
        deliver(hooked, signer.notification(event(record(s3.bucket, KEY))))
    deliver(hooked, signer.notification(event(record(s3.bucket, KEY), record(s3.bucket, KEY))))

    assert len(completed) == 1


def test_the_size_is_what_s3_says_and_not_what_the_event_says(
    hooked: Client, s3: Moto, completed: list[CompletedUpload]
) -> None:
    put(s3, data=b"hello")
    keep(size=5)

    deliver(hooked, signer.notification(event(record(s3.bucket, KEY, size=10**12, etag="made up"))))

    assert [upload.size for upload in completed] == [5]


def test_an_object_of_another_size_than_declared_is_passed_over(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], told: list[dict[str, Any]]
) -> None:
    put(s3, data=b"hello!")
    keep(size=5)

    answer = deliver(hooked, signer.notification(event(record(s3.bucket, KEY, size=5))))

    assert (answer.status_code, answer.json()["completed"]) == (200, 0)
    assert completed == [] and told == []


def test_an_object_that_is_not_there_is_passed_over(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], told: list[dict[str, Any]], heads: list[str]
) -> None:
    keep(size=5)

    answer = deliver(hooked, signer.notification(event(record(s3.bucket, KEY, size=5))))

    assert (answer.status_code, answer.json()["completed"]) == (200, 0)
    assert completed == [] and told == [] and heads == [KEY]


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("somebody-elses", KEY),
        (Moto.bucket, f"uploads/{ID}/another.txt"),
        (Moto.bucket, f"elsewhere/{ID}/my film.txt"),
    ],
)
def test_an_event_of_another_object_is_passed_over(
    hooked: Client,
    s3: Moto,
    completed: list[CompletedUpload],
    told: list[dict[str, Any]],
    heads: list[str],
    bucket: str,
    key: str,
) -> None:
    put(s3, key)
    keep(size=5)

    answer = deliver(hooked, signer.notification(event(record(bucket, key, 5))))

    assert (answer.status_code, answer.json()["completed"]) == (200, 0)
    assert completed == [] and told == [] and heads == []


def test_an_upload_that_nobody_knows_is_passed_over_without_a_request(
    hooked: Client, s3: Moto, told: list[dict[str, Any]], heads: list[str]
) -> None:
    put(s3)

    answer = deliver(hooked, signer.notification(event(record(s3.bucket, KEY, 5))))

    assert (answer.status_code, answer.json()["completed"]) == (200, 0)
    assert told == [] and heads == []


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "ObjectRestore:Completed", "LifecycleExpiration:Delete"])
def test_only_what_was_created_completes_an_upload(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], heads: list[str], name: str
) -> None:
    put(s3)
    keep(size=5)

    deliver(hooked, signer.notification(event(record(s3.bucket, KEY, name=name))))

    assert completed == [] and heads == []


def test_a_thousand_records_are_dealt_with_and_no_more(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], heads: list[str]
) -> None:
    put(s3)
    keep(size=5)
    strangers = [record("somebody-elses", f"x/{number}") for number in range(999)]

    good = deliver(hooked, signer.notification(event(*strangers, record(s3.bucket, KEY))))
    bad = deliver(hooked, signer.notification(event(*strangers, *strangers)))

    assert (good.status_code, bad.status_code) == (200, 400)
    assert len(completed) == 1 and heads == [KEY]


def test_the_event_of_a_new_configuration_needs_nothing(hooked: Client, s3: Moto) -> None:
    text = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": s3.bucket, "Time": stamp()}

    assert deliver(hooked, signer.notification(text)).status_code == 200
