"""Tails: the bytes of an interrupted upload that are short of a part, stored as an object until that part is there.

A tail's key says which bytes of which upload it holds. It is below the prefix of uploads but unlike their keys, so that
its event is never mistaken for that of a finished file. Every function blocks and raises
`UploadError("storage_unavailable")`, or says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import RawIOBase
from typing import Final

from botocore.exceptions import ClientError

from uploads.errors import UploadError
from uploads.s3 import objects
from uploads.s3.client import MISSING, bucket, client, code_of, translated
from uploads.s3.options import options

FOLDER: Final = "tails/"  # after the prefix

_NAME: Final = re.compile(r"([0-9a-f]{32})\.(\d{1,15})-(\d{1,15})")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Tail:
    """The bytes of an upload from `start` to `end`, exclusive."""

    upload_id: str
    start: int
    end: int

    @property
    def key(self) -> str:
        return f"{options().prefix}{FOLDER}{self.upload_id}.{self.start}-{self.end}"

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Loaded:
    """A tail with its bytes. `digest` is the hexadecimal SHA-256 of the file's last `length` bytes before its end."""

    tail: Tail
    body: bytes
    digest: str
    length: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A tail in the bucket: `size` is that of the object in bytes, whatever its key says."""

    tail: Tail
    size: int
    modified: datetime


def put(tail: Tail, body: bytes | RawIOBase, digest: str, length: int) -> None:
    """Returns once it is stored. See `Loaded`."""
    metadata = {"digest": digest, "length": str(length)}
    with translated():
        client().put_object(Bucket=bucket(), Key=tail.key, Body=body, Metadata=metadata)


def load(upload_id: str, start: int, longest: int) -> Loaded | None:
    """The longest intact tail that begins at `start` and has at most `longest` bytes.

    The upload's other tails are of no use any more, and are deleted.
    """
    found = sorted(listed(f"{upload_id}."), key=lambda one: one.tail.end, reverse=True)
    best = None
    for one in found:
        fits = one.tail.start == start and 0 < one.tail.size == one.size <= longest
        read = _read(one.tail) if best is None and fits else None
        if read is None:
            delete(one.tail)
        best = best or read
    return best


def delete(tail: Tail) -> None:
    """Raises nothing: a tail that could not be deleted is stale, and is pruned later."""
    try:
        objects.delete(tail.key)
    except UploadError:
        return  # logged where it happened


def delete_all(upload_id: str) -> None:
    """Raises nothing, as `delete`."""
    try:
        for one in list(listed(f"{upload_id}.")):
            delete(one.tail)
    except UploadError:
        return


def listed(beginning: str = "") -> Iterator[Listed]:
    """Tails in the bucket whose names begin so. Objects with other kinds of names aren't ours."""
    folder = f"{options().prefix}{FOLDER}"
    with translated():
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket(), Prefix=folder + beginning):
            for item in page.get("Contents", ()):
                match = _NAME.fullmatch(item["Key"].removeprefix(folder))
                if match:
                    yield Listed(Tail(match[1], int(match[2]), int(match[3])), item["Size"], item["LastModified"])


def _read(tail: Tail) -> Loaded | None:
    """None if it isn't what `put` wrote."""
    with translated():
        try:
            answer = client().get_object(Bucket=bucket(), Key=tail.key)
            if answer["ContentLength"] != tail.size:
                return None
            body, said = answer["Body"].read(), answer["Metadata"]
        except ClientError as failure:
            if code_of(failure) in MISSING:
                return None
            raise
    digest, length = said.get("digest", ""), said.get("length", "")
    if not _SHA256.fullmatch(digest) or not re.fullmatch(r"[1-9]\d{0,9}", length) or int(length) > tail.end:
        return None
    return Loaded(tail, body, digest, int(length))
