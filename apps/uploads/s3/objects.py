"""Objects in the bucket. Every function blocks and raises `UploadError("storage_unavailable")`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import ClientError

from uploads.s3.client import MISSING, bucket, client, code_of, translated

_OF_PARTS: Final = re.compile(r"[0-9a-f]{32}-([0-9]+)")  # an ETag that says how many parts there were


@dataclass(frozen=True, slots=True)
class Found:
    """An object that exists. `size` is in bytes, `etag` without its quotes."""

    size: int
    etag: str


def head(key: str) -> Found | None:
    """None if there is no such object."""
    with translated():
        try:
            answer = client().head_object(Bucket=bucket(), Key=key)
        except ClientError as failure:
            if code_of(failure) in MISSING:
                return None
            raise
        return Found(answer["ContentLength"], answer["ETag"].strip('"'))


def is_whole(key: str, size: int | None, parts: int) -> bool:
    """Whether the object is what a multipart upload of so many parts came to, as far as its ETag says."""
    found = head(key)
    if found is None or found.size != size:
        return False
    counted = _OF_PARTS.fullmatch(found.etag)
    return counted is None or int(counted[1]) == parts


def first_bytes(key: str, found: Found, count: int) -> bytes:
    """The beginning of the object that was found; fails if it has been replaced since."""
    if not found.size:
        return b""
    with translated():
        answer = client().get_object(
            Bucket=bucket(), Key=key, IfMatch=f'"{found.etag}"', Range=f"bytes=0-{min(count, found.size) - 1}"
        )
        body: bytes = answer["Body"].read()
        return body


def move(key: str, found: Found, to: str) -> None:
    """Gives the object that was found another key; fails if it has been replaced since."""
    with translated():
        source = {"Bucket": bucket(), "Key": key}
        client().copy_object(Bucket=bucket(), Key=to, CopySource=source, CopySourceIfMatch=f'"{found.etag}"')
        delete(key)


def delete(key: str) -> None:
    """Not an error if there is no such object."""
    with translated():
        client().delete_object(Bucket=bucket(), Key=key)
