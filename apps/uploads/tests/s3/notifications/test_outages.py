"""While S3 or SNS is away the message is asked for again, and no answer says too much."""

from __future__ import annotations

from typing import Any

from django.test import Client

from uploads.s3.notifications.hooks import CompletedUpload
from uploads.tests.direct_project import signer
from uploads.tests.moto import Moto
from uploads.tests.s3.notifications.delivering import ID, KEY, deliver, keep, put
from uploads.tests.signing import TOPIC, event, record


def test_while_s3_is_away_the_message_is_asked_for_again(
    hooked: Client, s3: Moto, settings: Any, completed: list[CompletedUpload]
) -> None:
    put(s3)
    keep(size=5)
    message = signer.notification(event(record(s3.bucket, KEY)))
    away = {**s3.options("http://127.0.0.1:9"), "ATTEMPTS": 1}
    settings.UPLOADS = {**settings.UPLOADS, "S3": away}

    during = deliver(hooked, message)
    settings.UPLOADS = {**settings.UPLOADS, "S3": s3.options()}
    after = deliver(hooked, message)

    assert (during.status_code, during.json()) == (503, {"error": "unavailable"})
    assert after.json()["completed"] == 1 and len(completed) == 1


def test_while_the_certificate_is_away_the_message_is_asked_for_again(hooked: Client, settings: Any) -> None:
    unreachable = f"{__name__}.unreachable"
    settings.UPLOADS = {**settings.UPLOADS, "S3_EVENTS": {"TOPICS": [TOPIC], "CERTIFICATES": unreachable}}

    assert deliver(hooked, signer.notification(event())).status_code == 503


def unreachable(url: str) -> bytes:
    from uploads.s3.notifications.certificates import Unavailable

    raise Unavailable("as asked")


def test_no_answer_names_the_bucket_or_the_topic(hooked: Client, s3: Moto) -> None:
    put(s3)
    genuine = signer.notification(event(record(s3.bucket, KEY)))

    answers = [
        deliver(hooked, message)
        for message in (genuine, {**genuine, "Signature": "AAAA"}, signer.notification("x"), b"not json")
    ]

    assert [answer.status_code for answer in answers] == [200, 403, 400, 400]
    assert not any(secret in answer.content.decode() for answer in answers for secret in (s3.bucket, "arn:", ID))
