"""S3 event notifications, parsed strictly.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from uploads.s3.notifications.sns import Malformed
from uploads.s3.options import options

logger = logging.getLogger("uploads.s3_events")

MOST_RECORDS: Final = 1000  # of one message
LONGEST_KEY: Final = 1024  # bytes; S3's own limit

_OURS: Final = re.compile(r"[0-9a-f]{32}")
_UUID: Final = re.compile(r"[0-9a-fA-F-]{32,36}")


@dataclass(frozen=True, slots=True)
class S3Event:
    """One record. `size` (bytes) and `etag` are only what the event claims."""

    upload_id: str
    name: str  # as "ObjectCreated:Put"
    bucket: str
    key: str
    size: int  # 0 if it claims none
    etag: str  # "" if it claims none

    @property
    def is_creation(self) -> bool:
        return self.name.removeprefix("s3:").startswith("ObjectCreated:")


def parse_s3_event(payload: Mapping[str, Any]) -> list[S3Event]:
    """The records of an S3 event, or of the SNS message around one; none for the test event of a new configuration.

    Each gets the upload id that its key names, see `upload_id_of`. What isn't a record of an object is passed over:
    storages put other things beside them, and nothing of another type into what isn't used here is a mistake. Raises
    `Malformed` if it is no list of records at all.
    """
    if "Message" in payload and "Records" not in payload:
        payload = read_event(payload["Message"])
    if payload.get("Event") == "s3:TestEvent":
        return []
    records = payload.get("Records")
    if not isinstance(records, list) or len(records) > MOST_RECORDS:
        raise Malformed("no Records, or too many")
    return [event for record in records if (event := _read(record)) is not None]


def read_event(text: Any) -> Mapping[str, Any]:
    """The S3 event in the text of an SNS message. Raises `Malformed`."""
    try:
        payload: Any = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(payload, dict):
        raise Malformed("not an object")
    return payload


def upload_id_of(key: str) -> str:
    """The upload that a key belongs to.

    Ours have the id right behind the prefix. In any other key it is the first segment that looks like a UUID (seed 001,
    "Key-template convention"), and failing that the whole key, for which nobody has a hook.
    """
    prefix = options().prefix
    first = key.removeprefix(prefix).partition("/")[0]
    if key.startswith(prefix) and _OURS.fullmatch(first):
        return first
    for segment in key.split("/"):
        if _UUID.fullmatch(segment):
            return segment
    logger.debug(
        "No part of the key %r is shaped like a UUID, so no hook is called for it. Name objects"
        " uploads/<upload_id_uuid>/<filename>.",
        key,
    )
    return key


def names_upload(upload_id: str) -> bool:
    """Whether `upload_id_of` has found an id, and not returned a key that contains none."""
    return _UUID.fullmatch(upload_id) is not None


def _read(record: Any) -> S3Event | None:
    try:
        return _parse(record)
    except Malformed as reason:
        logger.info("ignored S3 event: %s", reason)
        return None


def _parse(record: Any) -> S3Event:
    match record:
        case {"eventName": str(name), "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(raw), **rest}}}:
            size, etag = rest.get("size"), rest.get("eTag")
        case _:
            raise Malformed("not an S3 record")
    key = _decode(raw)
    size = size if type(size) is int and size >= 0 else 0
    etag = etag.strip('"') if isinstance(etag, str) else ""
    return S3Event(upload_id_of(key), name, bucket, key, size, etag)


def _decode(raw: str) -> str:
    """Keys in events are form-encoded: a space is a plus sign."""
    try:
        key = unquote_plus(raw, errors="strict")
        too_long = len(key.encode()) > LONGEST_KEY
    except UnicodeError:
        raise Malformed("object key is not UTF-8") from None
    if not key or too_long:
        raise Malformed("object key is empty or too long")
    return key
