"""Messages of Amazon SNS: parsed strictly, then checked for their topic, their age and their signature.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from uploads.s3.notifications.certificates import Certificates, is_trusted

LARGEST: Final = 1_000_000  # bytes; SNS takes 256 KiB, which JSON's escapes may double and more
AHEAD: Final = timedelta(minutes=5)  # by which a sender's clock may be ahead of ours

NOTIFICATION: Final = "Notification"
SUBSCRIPTION: Final = "SubscriptionConfirmation"
UNSUBSCRIPTION: Final = "UnsubscribeConfirmation"

# What is signed, in this order.
_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: _CONFIRMATION,
    UNSUBSCRIPTION: _CONFIRMATION,
}
_OPTIONAL: Final = frozenset({"Subject"})
_HASHES: Final[Mapping[str, HashAlgorithm]] = {"1": SHA1(), "2": SHA256()}
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,100}")
_TOPIC: Final = re.compile(r"arn:aws(?:-[a-z]+)*:sns:(?P<region>[a-z0-9-]{1,30}):\d{12}:[A-Za-z0-9_.-]{1,260}")


class Malformed(Exception):
    """Not an SNS message. The text says why, for the log."""


class Forged(Exception):
    """Not from one of our topics, too old, or not signed by SNS. The text says which, for the log."""


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """One message as it was sent; `text` is what was published to its topic."""

    kind: str
    id: str
    topic: str
    sent_at: datetime
    text: str
    token: str  # of a confirmation, else empty
    signed: bytes
    signature: bytes  # empty if it is missing or unreadable
    hash: HashAlgorithm | None
    certificate_url: str


def region_of(topic: str) -> str:
    """The region in a topic's ARN. Raises `ValueError` if it isn't one."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        raise ValueError(f"not the ARN of an SNS topic: {topic!r}")
    return match["region"]


def read(body: bytes) -> SnsMessage:
    """The message in a request's body. Raises `Malformed`."""
    if len(body) > LARGEST:
        raise Malformed("too large")
    try:
        fields: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    kind = fields.get("Type") if isinstance(fields, dict) else None
    if not isinstance(kind, str) or kind not in _SIGNED:
        raise Malformed("unknown Type")
    signed = {name: fields.get(name) for name in _SIGNED[kind] if name not in _OPTIONAL or fields.get(name) is not None}
    if not all(isinstance(text, str) for text in signed.values()) or _ID.fullmatch(signed["MessageId"]) is None:
        raise Malformed("missing or invalid field")
    return SnsMessage(
        kind=kind,
        id=signed["MessageId"],
        topic=signed["TopicArn"],
        sent_at=_time(signed["Timestamp"]),
        text=signed["Message"],
        token=signed.get("Token", ""),
        signed=_canonical(signed),
        signature=_decode(fields.get("Signature")),
        hash=_HASHES.get(str(fields.get("SignatureVersion"))),
        certificate_url=str(fields.get("SigningCertURL")),
    )


def verify(
    message: SnsMessage, topics: Collection[str], window: timedelta, certificates: Certificates, now: datetime
) -> None:
    """Raises `Forged`, or `certificates.Unavailable`. What needs no request is checked first."""
    if message.topic not in topics:
        raise Forged("unexpected topic")
    if not now - window <= message.sent_at <= now + AHEAD:
        raise Forged("Timestamp outside the window")
    if not is_trusted(message.certificate_url, region_of(message.topic)):
        raise Forged("untrusted SigningCertURL")
    if message.hash is None or not message.signature:
        raise Forged("missing or unsupported signature")
    key = certificates.key(message.certificate_url)
    try:
        key.verify(message.signature, message.signed, PKCS1v15(), message.hash)
    except InvalidSignature:
        raise Forged("bad signature") from None


def _canonical(signed: Mapping[str, str]) -> bytes:
    try:
        return "".join(f"{name}\n{value}\n" for name, value in signed.items()).encode()
    except UnicodeEncodeError:  # a lone surrogate
        raise Malformed("not valid Unicode") from None


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("invalid Timestamp") from None
    if moment.tzinfo is None:
        raise Malformed("Timestamp without a time zone")
    return moment


def _decode(signature: Any) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (TypeError, ValueError):
        return b""
