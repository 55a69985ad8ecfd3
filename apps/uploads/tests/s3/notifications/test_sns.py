"""Messages of SNS: what is believed, and what is refused before anything is asked of anybody."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from uploads.s3.notifications import sns
from uploads.s3.notifications.certificates import Certificates, Unavailable, fetch, is_trusted
from uploads.s3.notifications.sns import Forged, Malformed
from uploads.tests.signing import CERTIFICATE_URL, TOPIC, Signer, stamp

HOUR = timedelta(hours=1)


class Library:
    """Hands out one certificate, and remembers who asked for what."""

    def __init__(self, certificate: bytes) -> None:
        self.certificate = certificate
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        return self.certificate


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def library(signer: Signer) -> Library:
    return Library(signer.certificate)


@pytest.fixture
def certificates(library: Library) -> Certificates:
    return Certificates(library)


def verify(fields: dict[str, Any], certificates: Certificates, topics: tuple[str, ...] = (TOPIC,)) -> sns.SnsMessage:
    message = sns.read(json.dumps(fields).encode())
    sns.verify(message, topics, HOUR, certificates, datetime.now(UTC))
    return message


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_message_is_believed(signer: Signer, certificates: Certificates, version: str) -> None:
    message = verify(signer.notification("hello", version), certificates)

    assert (message.kind, message.text) == ("Notification", "hello")


def test_a_subject_is_signed_too(signer: Signer, certificates: Certificates) -> None:
    fields = signer.notification("hello", Subject="Amazon S3 Notification")

    verify(fields, certificates)
    with pytest.raises(Forged):
        verify({**fields, "Subject": "another"}, certificates)


def test_a_subscription_is_signed_over_its_url_and_token(signer: Signer, certificates: Certificates) -> None:
    fields = signer.subscription("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription")

    assert verify(fields, certificates).token == fields["Token"]
    for name in ("SubscribeURL", "Token"):
        with pytest.raises(Forged):
            verify({**fields, name: "another"}, certificates)


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp"])
def test_an_altered_message_is_forged(signer: Signer, certificates: Certificates, name: str) -> None:
    altered = {"Message": "bye", "MessageId": "00000000-0000", "Timestamp": stamp(1)}

    with pytest.raises(Forged):
        verify({**signer.notification("hello"), name: altered[name]}, certificates)


@pytest.mark.parametrize("signature", [None, "", "not base64!", "AAAA", 7, ["x"]])
def test_a_message_without_a_good_signature_is_forged(
    signer: Signer, certificates: Certificates, signature: Any
) -> None:
    with pytest.raises(Forged):
        verify({**signer.notification("hello"), "Signature": signature}, certificates)


@pytest.mark.parametrize("version", ["0", "3", "", None, 2.5])
def test_a_signature_of_an_unknown_version_is_forged(
    signer: Signer, certificates: Certificates, library: Library, version: Any
) -> None:
    with pytest.raises(Forged):
        verify({**signer.notification("hello"), "SignatureVersion": version}, certificates)
    assert library.asked == []


def test_the_signature_of_another_key_is_forged(signer: Signer, certificates: Certificates) -> None:
    with pytest.raises(Forged):
        verify(Signer().notification("hello"), certificates)


def test_a_signature_of_version_1_is_not_one_of_version_2(signer: Signer, certificates: Certificates) -> None:
    with pytest.raises(Forged):
        verify({**signer.notification("hello", "1"), "SignatureVersion": "2"}, certificates)


def test_another_topic_is_refused_without_a_request(
    signer: Signer, certificates: Certificates, library: Library
) -> None:
    with pytest.raises(Forged):
        verify(signer.notification("hello", TopicArn=TOPIC + "2"), certificates)
    with pytest.raises(Forged):
        verify(signer.notification("hello"), certificates, topics=())
    assert library.asked == []


@pytest.mark.parametrize("age", [3700, 10**7, -400])
def test_a_message_of_another_time_is_refused_without_a_request(
    signer: Signer, certificates: Certificates, library: Library, age: int
) -> None:
    with pytest.raises(Forged):
        verify(signer.notification("hello", Timestamp=stamp(age)), certificates)
    assert library.asked == []


@pytest.mark.parametrize("age", [3500, -200])
def test_a_message_that_was_delayed_or_of_a_clock_that_is_ahead_is_believed(
    signer: Signer, certificates: Certificates, age: int
) -> None:
    verify(signer.notification("hello", Timestamp=stamp(age)), certificates)


BAD_URLS = [
    "",
    "https://evil.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com.evil.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com@evil.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://user:pw@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com:443/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com.cn/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns-eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://snsxeu-west-1xamazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://bucket.s3.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https://s3.eu-west-1.amazonaws.com/bucket/SimpleNotificationService-0123456789abcdef.pem",
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "file:///etc/passwd",
    "https://sns.eu-west-1.amazonaws.com/other.pem",
    "https://sns.eu-west-1.amazonaws.com/x/SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com//SimpleNotificationService-0123456789abcdef.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?x=1",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem#x",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem\n",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789ABCDEF.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
    "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&End=.pem",
    " https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    "https:\\\\sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_certificate_from_elsewhere_is_never_asked_for(
    signer: Signer, certificates: Certificates, library: Library, url: str
) -> None:
    """Signed by the right key, so that nothing but the URL is wrong."""
    with pytest.raises(Forged):
        verify(signer.notification("hello", SigningCertURL=url), certificates)
    assert library.asked == []


def test_china_has_a_domain_of_its_own() -> None:
    good = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0123456789abcdef.pem"

    assert is_trusted(good, "cn-north-1")
    assert not is_trusted(good.replace(".com.cn", ".com"), "cn-north-1")


def test_a_certificate_is_asked_for_once(signer: Signer, certificates: Certificates, library: Library) -> None:
    for _ in range(3):
        verify(signer.notification("hello"), certificates)

    assert library.asked == [CERTIFICATE_URL]


def test_made_up_names_of_certificates_are_not_asked_for_without_end(signer: Signer, library: Library) -> None:
    certificates = Certificates(library)
    stranger = Signer()

    for number in range(50):
        url = CERTIFICATE_URL.replace("0123456789", f"{number:010x}")
        with pytest.raises((Forged, Unavailable)):
            verify(stranger.notification("hello", SigningCertURL=url), certificates)

    assert 0 < len(library.asked) < 15


@pytest.mark.parametrize(("since", "until"), [(-20, -10), (10, 20)])
def test_a_certificate_that_is_not_valid_now_proves_nothing(signer: Signer, since: int, until: int) -> None:
    expired = signer.certificate_valid(timedelta(days=since), timedelta(days=until))

    with pytest.raises(Unavailable):
        verify(signer.notification("hello"), Certificates(Library(expired)))


def test_what_is_no_certificate_proves_nothing(signer: Signer) -> None:
    with pytest.raises(Unavailable):
        verify(signer.notification("hello"), Certificates(Library(b"<html>")))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b'{"Type": "Notification"}',
        b'{"Type": ["Notification"]}',
        b'{"Type": "Other"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 5000,
        b'{"Type":"' + b"x" * 1_000_001 + b'"}',
    ],
)
def test_what_is_no_message_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        sns.read(body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Message", None),
        ("Message", {"Records": []}),
        ("Message", "\ud800"),
        ("MessageId", 7),
        ("MessageId", ""),
        ("MessageId", "x" * 101),
        ("MessageId", "a b"),
        ("Timestamp", "yesterday"),
        ("Timestamp", "2026-11-21T10:00:00"),
        ("TopicArn", 1),
        ("Subject", ["x"]),
    ],
)
def test_a_message_with_a_field_of_another_kind_is_malformed(signer: Signer, name: str, value: Any) -> None:
    fields = {**signer.notification("hello"), name: value}

    with pytest.raises(Malformed):
        sns.read(json.dumps(fields).encode())


# -- Getting a certificate


class Answers(http.server.BaseHTTPRequestHandler):
    """Redirects `/moved` to `/there`, and answers that with a certificate of sorts."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/there")
            self.end_headers()
            return
        body = b"x" * (200_000 if self.path == "/long" else 10)
        self.send_response(404 if self.path == "/gone" else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Answers.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_redirect_is_not_followed(server: str) -> None:
    assert fetch(f"{server}/there") == b"x" * 10
    with pytest.raises(Unavailable):
        fetch(f"{server}/moved")
    assert Answers.asked == ["/there", "/moved"]


@pytest.mark.parametrize("path", ["/gone", "/long"])
def test_an_answer_that_can_be_no_certificate_is_none(server: str, path: str) -> None:
    with pytest.raises(Unavailable):
        fetch(f"{server}{path}")


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        fetch("http://127.0.0.1:9/x.pem")
