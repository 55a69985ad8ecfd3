"""The chunks of a WebP (RFC 9649)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from uploads.content.image.info import Buffer, Colours, ImageInfo, Wrapping
from uploads.content.limits import ImageLimits, check_count, check_frames
from uploads.errors import UploadError

_FILM, _PROFILE = 0x02, 0x20  # flags of the header


def walk(data: Buffer, limits: ImageLimits) -> ImageInfo:
    """Up to the end of the RIFF; what is appended behind it isn't looked at."""
    width = height = frames = parts = 0
    for kind, body, _ in _chunks(data):
        check_count(parts := parts + 1, limits.max_chunks, "too_complex")
        if kind == b"ANMF":
            check_frames(frames := frames + 1, limits)
        w, h = _span(data, kind, body)
        width, height = max(width, w), max(height, h)
    return ImageInfo("webp", width, height, max(frames, 1))


def unwrap(data: Buffer) -> Wrapping:
    """A profile counts if the header announces it, and no animation: those are shown in colours as they are."""
    said = {kind: data[body:end] for kind, body, end in _chunks(data) if kind in (b"VP8X", b"ICCP")}
    flags = said.get(b"VP8X", b"\0")[0]
    return Wrapping(colours=Colours(icc=said.get(b"ICCP", b"") if flags & _PROFILE and not flags & _FILM else b""))


def _chunks(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where the body begins and ends. Raises `UploadError` unless they are all there."""
    at, end = 12, 8 + _u(data, 4, 4)
    if end > len(data):
        raise UploadError("bad_content")
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        body, at = at + 8, at + 8 + length + (length & 1)
        if body + length > end:
            raise UploadError("bad_content")
        yield kind, body, body + length


def _span(data: Buffer, kind: bytes, body: int) -> tuple[int, int]:
    """How far a chunk says that the picture reaches: 0, 0 if it says nothing."""
    match kind:
        case b"VP8X":
            return _u(data, body + 4, 3) + 1, _u(data, body + 7, 3) + 1
        case b"ANMF":
            x, y, w, h = (_u(data, body + field, 3) for field in (0, 3, 6, 9))
            return 2 * x + w + 1, 2 * y + h + 1
        case b"VP8L":
            bits = _u(data, body + 1, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _u(data, body + 6, 2) & 0x3FFF, _u(data, body + 8, 2) & 0x3FFF
    return 0, 0


def _u(data: Buffer, at: int, size: int) -> int:
    """An unsigned little-endian number."""
    if at + size > len(data):
        raise UploadError("bad_content")
    return int.from_bytes(data[at : at + size], "little")
