"""What SNS delivers is believed, what others send is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from uploads.s3.notifications.event_options import event_options
from uploads.s3.notifications.hooks import CompletedUpload
from uploads.tests.direct_project import signer
from uploads.tests.moto import Moto
from uploads.tests.s3.notifications.delivering import KEY, deliver, keep, put
from uploads.tests.signing import CERTIFICATE_URL, TOPIC, event, record, stamp


@pytest.mark.parametrize(
    "altered",
    [
        {"Message": json.dumps(event(record(Moto.bucket, KEY)))},
        {"Signature": "AAAA"},
        {"Signature": None},
        {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:another"},
        {"Timestamp": stamp(90_000)},
        {"SigningCertURL": CERTIFICATE_URL.replace("https", "http")},
        {"SigningCertURL": "https://evil.example/SimpleNotificationService-0123456789abcdef.pem"},
        {"SignatureVersion": "3"},
    ],
)
def test_a_forged_message_is_answered_with_403_and_asks_s3_for_nothing(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], heads: list[str], altered: dict[str, Any]
) -> None:
    put(s3)
    keep(size=5)
    genuine = signer.notification(event(record(s3.bucket, KEY, etag="x")))

    answer = deliver(hooked, {**genuine, **altered})

    assert (answer.status_code, answer.json()) == (403, {"error": "forbidden"})
    assert completed == [] and heads == []


def test_a_forged_message_does_not_use_up_the_genuine_ones_id(
    hooked: Client, s3: Moto, completed: list[CompletedUpload]
) -> None:
    put(s3)
    keep(size=5)
    genuine = signer.notification(event(record(s3.bucket, KEY)))

    deliver(hooked, {**genuine, "Signature": "AAAA"})
    deliver(hooked, genuine)

    assert len(completed) == 1


def test_without_a_topic_nothing_is_believed(hooked: Client, settings: Any, heads: list[str]) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "S3_EVENTS": {"CERTIFICATES": "uploads.tests.direct_project.certificate"}}

    assert deliver(hooked, signer.notification(event())).status_code == 403


def test_a_raw_event_without_sns_around_it_is_malformed(hooked: Client, s3: Moto, heads: list[str]) -> None:
    put(s3)
    keep(size=5)

    assert deliver(hooked, event(record(s3.bucket, KEY))).status_code == 400
    assert heads == []


def test_a_body_that_is_too_long_is_malformed(hooked: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000

    assert deliver(hooked, b"x" * 20_000).status_code == 400


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options"])
def test_only_a_post_is_a_delivery(hooked: Client, method: str) -> None:
    assert getattr(hooked, method)("/webhooks/s3/").status_code == 405


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        ({"TOPIC": TOPIC}, "has no TOPIC"),
        ({"TOPICS": ["uploads"]}, "not the ARN"),
        ({"TOPICS": TOPIC}, "not the ARN"),
        ({"TOPICS": [TOPIC + " "]}, "not the ARN"),
        ({"TOPICS": None}, "TOPICS"),
    ],
)
def test_a_setting_that_is_none_is_told(settings: Any, events: dict[str, Any], complaint: str) -> None:
    settings.UPLOADS = {"S3_EVENTS": events}

    with pytest.raises(ImproperlyConfigured, match=complaint):
        event_options()
