"""The binary frames, big-endian: `u8 kind | u32 channel | u64 offset | payload`.

A verified chunk has the SHA-256 of its payload, 32 bytes, before the payload. `static/uploads/frames.js` is the twin.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CHUNK: Final = 1
VERIFIED: Final = 2
_HEADER: Final = struct.Struct(">BIQ")
HEADER_SIZE: Final = _HEADER.size
DIGEST_SIZE: Final = 32
MAX_OFFSET: Final = 2**53 - 1  # the largest integer that every client can represent


class BadFrame(Exception):
    """Not a frame of this protocol."""


class BadDigest(Exception):
    """The payload isn't what was sent."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of the upload that the server gave `channel` to, from `offset` on."""

    channel: int
    offset: int
    payload: memoryview
    digest: bytes | None = None  # SHA-256 of the payload, as its sender computed it


def encode(channel: int, offset: int, payload: bytes, digest: bytes | None = None) -> bytes:
    if digest is None:
        return _HEADER.pack(CHUNK, channel, offset) + payload
    return _HEADER.pack(VERIFIED, channel, offset) + digest + payload


def decode(frame: bytes) -> Chunk:
    """Raises `BadFrame`. The payload is a view of `frame`: nothing is copied."""
    if len(frame) < HEADER_SIZE:
        raise BadFrame("short header")
    kind, channel, offset = _HEADER.unpack_from(frame)
    if kind not in (CHUNK, VERIFIED):
        raise BadFrame("unknown kind")
    if offset > MAX_OFFSET:  # such as a negative number
        raise BadFrame("no file is that long")
    rest = memoryview(frame)[HEADER_SIZE:]
    if kind == CHUNK:
        return Chunk(channel, offset, rest)
    if len(rest) < DIGEST_SIZE:
        raise BadFrame("short digest")
    return Chunk(channel, offset, rest[DIGEST_SIZE:], bytes(rest[:DIGEST_SIZE]))


def verify(chunks: Iterable[Chunk]) -> None:
    """Compares payloads with their digests. Raises `BadDigest`. Slow: call it in a thread."""
    for chunk in chunks:
        if hashlib.sha256(chunk.payload).digest() != chunk.digest:
            raise BadDigest
