"""The webhook: what SNS delivers is believed, what others send is not, and S3 itself has the last word."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from uploads import UploadError
from uploads.s3 import completion, objects, subscriptions
from uploads.s3.event_options import event_options
from uploads.s3.events import parse_s3_event, upload_id_of
from uploads.s3.handles import Handle
from uploads.s3.hooks import CompletedUpload, on_upload_complete, remove_upload_hook
from uploads.s3.sns import Malformed
from uploads.stores import Record, get_store

from .direct_project import signer
from .moto import Moto
from .signing import CERTIFICATE_URL, TOPIC, event, record, stamp

ID = "0123456789abcdef0123456789abcdef"
KEY = f"uploads/{ID}/my film.txt"
UUID = "7d3c5a52-6d6c-4a1e-9d64-7a33b2a0d3f1"


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as moto:
        yield moto


@pytest.fixture
def s3(moto: Moto) -> Moto:
    moto.reset()
    return moto


@pytest.fixture
def hooked(project: None, transactional_db: None, settings: Any, s3: Moto) -> Iterator[Client]:
    settings.ROOT_URLCONF = "uploads.tests.direct_project"
    events = {"TOPICS": [TOPIC], "CERTIFICATES": "uploads.tests.direct_project.certificate"}
    settings.UPLOADS = {**settings.UPLOADS, "S3": s3.options(), "S3_EVENTS": events}
    cache.clear()
    yield Client(enforce_csrf_checks=True)
    cache.clear()


@pytest.fixture
def completed() -> Iterator[list[CompletedUpload]]:
    """What a hook for all uploads was told."""
    told: list[CompletedUpload] = []
    on_upload_complete(told.append)
    yield told
    remove_upload_hook(told.append)


@pytest.fixture
def heads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys that S3 was asked for."""
    asked: list[str] = []
    real = objects.head

    def head(key: str) -> Any:
        asked.append(key)
        return real(key)

    monkeypatch.setattr(objects, "head", head)
    return asked


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was broadcast."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(completion, "broadcast", lambda topic, message: messages.append(message))
    return messages


def deliver(client: Client, message: Any) -> Any:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return client.post("/webhooks/s3/", body, content_type="text/plain; charset=UTF-8")


def keep(size: int, key: str = KEY, bucket: str = Moto.bucket) -> None:
    """An upload that is under way."""
    kept = {"type": "text/plain", "state": Handle(bucket, key, key).to_state()}
    get_store().save(Record(ID, "user:1", "/direct/", "doc", "my film.txt", size, writer=kept), 600)


def put(s3: Moto, key: str = KEY, data: bytes = b"hello") -> str:
    etag: str = s3.client().put_object(Bucket=s3.bucket, Key=key, Body=data)["ETag"]
    return etag.strip('"')


# -- A genuine event


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


# -- Hooks


def test_a_hook_for_one_upload_is_called_once_and_for_no_other(hooked: Client, s3: Moto) -> None:
    """By the seeds' convention, for an upload that was presigned elsewhere."""
    key, other = f"tenant/{UUID}/photo.jpg", f"tenant/{uuid.uuid4()}/photo.jpg"
    put(s3, key), put(s3, other)
    told: list[CompletedUpload] = []
    on_upload_complete(told.append, upload_id=UUID)

    for name in (other, key, key):
        deliver(hooked, signer.notification(event(record(s3.bucket, name))))

    assert [(upload.upload_id, upload.key, upload.size) for upload in told] == [(UUID, key, 5)]


def test_a_hook_that_fails_hurts_no_other(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(upload: CompletedUpload) -> None:
        raise RuntimeError("as asked")

    put(s3)
    keep(size=5)
    on_upload_complete(broken)
    on_upload_complete(broken, upload_id=ID)
    try:
        answer = deliver(hooked, signer.notification(event(record(s3.bucket, KEY))))
    finally:
        remove_upload_hook(broken)

    assert answer.status_code == 200
    assert len(completed) == 1
    assert caplog.text.count("a hook for completed uploads failed") == 2


def test_a_hook_that_was_taken_back_is_not_called(hooked: Client, s3: Moto) -> None:
    put(s3, f"{UUID}/x")
    told: list[CompletedUpload] = []
    on_upload_complete(told.append, upload_id=UUID)
    remove_upload_hook(upload_id=UUID)

    deliver(hooked, signer.notification(event(record(s3.bucket, f"{UUID}/x"))))

    assert told == []


@pytest.mark.parametrize("key", ["photos/a.jpg", f"x{UUID}/a.jpg"])
def test_an_object_whose_key_names_no_upload_is_for_no_hook(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], heads: list[str], key: str
) -> None:
    """Not for one for all uploads either, nor for one that was registered with the key. (Seed 001.)"""
    put(s3, key)
    told: list[CompletedUpload] = []
    on_upload_complete(told.append, upload_id=key)
    try:
        answer = deliver(hooked, signer.notification(event(record(s3.bucket, key))))
    finally:
        remove_upload_hook(upload_id=key)

    assert (answer.status_code, answer.json()["completed"]) == (200, 0)
    assert completed == told == [] and heads == []


def test_a_key_may_be_an_uploads_id_and_nothing_else(
    hooked: Client, s3: Moto, completed: list[CompletedUpload]
) -> None:
    put(s3, UUID)

    deliver(hooked, signer.notification(event(record(s3.bucket, UUID))))

    assert [upload.upload_id for upload in completed] == [UUID]


def test_an_object_that_is_still_to_be_moved_is_for_no_hook(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], told: list[dict[str, Any]]
) -> None:
    """The page moves it, and S3 tells of the copy."""
    put(s3, f"incoming/{KEY}")
    kept = {"type": "text/plain", "state": Handle(s3.bucket, f"incoming/{KEY}", KEY).to_state()}
    get_store().save(Record(ID, "user:1", "/direct/", "doc", "my film.txt", 5, writer=kept), 600)

    deliver(hooked, signer.notification(event(record(s3.bucket, f"incoming/{KEY}"))))

    assert len(told) == 1 and completed == []


# -- Which upload a key belongs to


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
    """A tenant's id may be a UUID, too."""
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
        {"Records": ["x"]},
        {"Records": [{}]},
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": {}}]},
        {"Records": [{"eventName": 1, "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": ["k"]}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": "b", "object": {"key": "k"}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": ""}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": "%ff"}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": "k" * 1025}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": "k", "size": "5"}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": "k", "size": -1}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": "k", "size": True}}}]},
        {"Records": [{"eventName": "x", "s3": {"bucket": {"name": "b"}, "object": {"key": "k", "eTag": 5}}}]},
        [],
        "text",
        None,
    ],
)
def test_what_is_no_event_is_malformed(project: None, payload: Any) -> None:
    with pytest.raises(Malformed):
        parse_s3_event({"Message": json.dumps(payload)})


@pytest.mark.parametrize("text", ["", "not json", "[" * 100_000])
def test_text_that_is_no_event_is_answered_with_400(hooked: Client, text: str, heads: list[str]) -> None:
    answer = deliver(hooked, signer.notification(text))

    assert (answer.status_code, answer.json()) == (400, {"error": "malformed"})
    assert heads == []


# -- Who is believed


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


# -- Subscriptions


def test_a_subscription_is_left_to_the_operator(
    hooked: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed: list[Any] = []
    monkeypatch.setattr(subscriptions, "confirm", lambda *arguments: confirmed.append(arguments))

    message = signer.subscription("http://127.0.0.1:9/?Action=ConfirmSubscription")
    answer = deliver(hooked, message)

    assert answer.status_code == 200
    assert confirmed == []
    assert TOPIC in caplog.text and message["Token"] in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_subscription_is_confirmed_by_the_api_where_the_site_says_so(
    hooked: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed: list[Any] = []
    monkeypatch.setattr(subscriptions, "confirm", lambda *arguments: confirmed.append(arguments))
    settings.UPLOADS = {**settings.UPLOADS, "S3_EVENTS": {**settings.UPLOADS["S3_EVENTS"], "CONFIRM": True}}
    message = signer.subscription("http://127.0.0.1:9/?Action=ConfirmSubscription")

    deliver(hooked, message)
    deliver(hooked, {**message, "Token": "forged"})

    assert confirmed == [(TOPIC, message["Token"])]


def test_the_api_is_that_of_the_topics_own_region(hooked: Client, s3: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", s3.url)
    session = boto3.session.Session("testing", "testing")
    there = session.client("sns", region_name="eu-west-1", endpoint_url=s3.url)
    assert there.create_topic(Name="uploads")["TopicArn"] == TOPIC

    subscriptions.confirm(TOPIC, "token")

    with pytest.raises(UploadError, match="can't be stored"):
        subscriptions.confirm(TOPIC.replace("eu-west-1", "us-east-1"), "token")


def test_a_site_without_a_bucket_loads_no_boto3() -> None:
    """Its URLs may have the webhook all the same."""
    code = (
        "import django; django.setup(); import sys, uploads.s3.urls, uploads.transport;"
        "assert 'uploads.s3.webhook' in sys.modules and 'boto3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})


# -- When S3 or SNS is away


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
    unreachable = "uploads.tests.test_s3_events.unreachable"
    settings.UPLOADS = {**settings.UPLOADS, "S3_EVENTS": {"TOPICS": [TOPIC], "CERTIFICATES": unreachable}}

    assert deliver(hooked, signer.notification(event())).status_code == 503


def unreachable(url: str) -> bytes:
    from uploads.s3.certificates import Unavailable

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
