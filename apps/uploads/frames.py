"""The binary frames: `u8 kind | u32 channel | u64 offset | payload`, big-endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

CHUNK: Final = 1
_HEADER: Final = struct.Struct(">BIQ")
HEADER_SIZE: Final = _HEADER.size
MAX_OFFSET: Final = 2**53 - 1  # the largest integer that every client can count to


class BadFrame(Exception):
    """Not a frame of this protocol."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of the upload that the server gave `channel` to, from `offset` on."""

    channel: int
    offset: int
    payload: memoryview


def encode(channel: int, offset: int, payload: bytes) -> bytes:
    return _HEADER.pack(CHUNK, channel, offset) + payload


def decode(frame: bytes) -> Chunk:
    """Raises `BadFrame`. The payload is a view of `frame`: nothing is copied."""
    if len(frame) < HEADER_SIZE:
        raise BadFrame("short header")
    kind, channel, offset = _HEADER.unpack_from(frame)
    if kind != CHUNK:
        raise BadFrame("unknown kind")
    if offset > MAX_OFFSET:  # a negative number, for one
        raise BadFrame("no file is that long")
    return Chunk(channel, offset, memoryview(frame)[HEADER_SIZE:])
