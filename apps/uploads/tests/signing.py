"""An SNS of our own: messages signed with a key and a certificate that are made here."""

from __future__ import annotations

import base64
import datetime
import json
import uuid
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

TOPIC = "arn:aws:sns:eu-west-1:123456789012:uploads"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

_ORDER = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Signer:
    """Signs as SNS does."""

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @cached_property
    def certificate(self) -> bytes:
        """PEM."""
        return self.certificate_valid(datetime.timedelta(days=-1), datetime.timedelta(days=30))

    def certificate_valid(self, since: datetime.timedelta, until: datetime.timedelta) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + since)
            .not_valid_after(now + until)
            .sign(self.key, SHA256())
        )
        return made.public_bytes(Encoding.PEM)

    def sign(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The message with its signature, of the version that it names."""
        names = [name for name in _ORDER[fields["Type"]] if name in fields]
        text = "".join(f"{name}\n{fields[name]}\n" for name in names).encode()
        digest = SHA1() if fields["SignatureVersion"] == "1" else SHA256()
        return {**fields, "Signature": base64.b64encode(self.key.sign(text, PKCS1v15(), digest)).decode()}

    def notification(self, message: Any, version: str = "2", **fields: Any) -> dict[str, Any]:
        text = message if isinstance(message, str) else json.dumps(message)
        return self.sign(
            {
                "Type": "Notification",
                "MessageId": str(uuid.uuid4()),
                "TopicArn": TOPIC,
                "Message": text,
                "Timestamp": stamp(),
                "SignatureVersion": version,
                "SigningCertURL": CERTIFICATE_URL,
                "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
                **fields,
            }
        )

    def subscription(self, url: str, **fields: Any) -> dict[str, Any]:
        return self.sign(
            {
                "Type": "SubscriptionConfirmation",
                "MessageId": str(uuid.uuid4()),
                "TopicArn": TOPIC,
                "Token": "2336412f37fb687f5d51e6e2425dacbbabcd",
                "Message": "You have chosen to subscribe to the topic.",
                "SubscribeURL": url,
                "Timestamp": stamp(),
                "SignatureVersion": "1",
                "SigningCertURL": CERTIFICATE_URL,
                **fields,
            }
        )


def stamp(age: float = 0) -> str:
    """A time so many seconds ago, as SNS writes it."""
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(bucket: str, key: str, size: int = 0, name: str = "ObjectCreated:Put", etag: str = "") -> dict[str, Any]:
    """One record of an S3 event, as S3 sends it: the key is encoded as in a form."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": stamp(),
        "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": quote_plus(key, safe="/"), "size": size, "eTag": etag, "sequencer": "0055AED6DCD90281E5"},
        },
    }


def event(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}
