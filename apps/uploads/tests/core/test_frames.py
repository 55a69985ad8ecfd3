from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.core import frames
from uploads.core.frames import HEADER_SIZE, MAX_OFFSET, BadFrame, Chunk


@given(st.integers(0, 2**32 - 1), st.integers(0, MAX_OFFSET), st.binary(max_size=200))
def test_what_is_encoded_is_decoded(channel: int, offset: int, payload: bytes) -> None:
    assert frames.decode(frames.encode(channel, offset, payload)) == Chunk(channel, offset, memoryview(payload))


def test_a_frame_to_the_letter() -> None:
    """docs/protocol.md has this example."""
    frame = frames.encode(3, 65_536, b"hello")
    assert frame.hex(" ") == "01 00 00 00 03 00 00 00 00 00 01 00 00 68 65 6c 6c 6f"


def test_the_payload_is_not_copied() -> None:
    frame = frames.encode(1, 0, b"hello")
    assert frames.decode(frame).payload.obj is frame


@given(st.binary(max_size=HEADER_SIZE - 1))
def test_a_short_header_is_no_frame(frame: bytes) -> None:
    with pytest.raises(BadFrame):
        frames.decode(frame)


@given(st.integers(0, 255).filter(lambda kind: kind not in (frames.CHUNK, frames.VERIFIED)))
def test_an_unknown_kind_is_no_frame(kind: int) -> None:
    with pytest.raises(BadFrame):
        frames.decode(struct.pack(">BIQ", kind, 1, 0))


@pytest.mark.parametrize("offset", [MAX_OFFSET + 1, 2**63, 2**64 - 1])
def test_a_negative_or_impossible_offset_is_no_frame(offset: int) -> None:
    with pytest.raises(BadFrame):
        frames.decode(struct.pack(">BIQ", frames.CHUNK, 1, offset))


def test_a_verified_chunk_carries_the_digest_of_its_payload() -> None:
    digest = hashlib.sha256(b"hello").digest()

    chunk = frames.decode(frames.encode(3, 7, b"hello", digest))

    assert (chunk.channel, chunk.offset, bytes(chunk.payload), chunk.digest) == (3, 7, b"hello", digest)
    frames.verify([chunk])


def test_a_payload_that_is_not_what_its_digest_says_is_noticed() -> None:
    chunk = frames.decode(frames.encode(3, 7, b"hallo", hashlib.sha256(b"hello").digest()))

    with pytest.raises(frames.BadDigest):
        frames.verify([chunk])


@given(st.binary(max_size=frames.DIGEST_SIZE - 1))
def test_a_short_digest_is_no_frame(rest: bytes) -> None:
    with pytest.raises(BadFrame):
        frames.decode(struct.pack(">BIQ", frames.VERIFIED, 1, 0) + rest)
