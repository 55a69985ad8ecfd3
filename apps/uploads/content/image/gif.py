"""The blocks of a GIF (GIF89a specification)."""

from __future__ import annotations

import struct
from typing import Final

from uploads.content.image.info import Buffer, ImageInfo
from uploads.content.limits import ImageLimits, check_count
from uploads.errors import UploadError

_EXTENSION: Final = 0x21
_IMAGE: Final = 0x2C
_TRAILER: Final = 0x3B


def walk(data: Buffer, limits: ImageLimits) -> ImageInfo:
    """Up to the trailer. The size spans frames that reach beyond the canvas: decoders grow it."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    frames = parts = 0
    at = 13 + _table(flags)
    while (kind := data[at]) != _TRAILER:
        check_count(parts := parts + 1, limits.max_chunks, "too_complex")
        if kind == _EXTENSION:
            at = _skip(data, at + 2)
        elif kind == _IMAGE:
            check_count(frames := frames + 1, limits.max_frames, "too_many_frames")
            x, y, w, h, flags = struct.unpack_from("<4HB", data, at + 1)
            width, height = max(width, x + w), max(height, y + h)
            at = _skip(data, at + 11 + _table(flags))
        else:
            raise UploadError("bad_content")
    if not frames:
        raise UploadError("bad_content")
    return ImageInfo("gif", width, height, frames)


def _table(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip(data: Buffer, at: int) -> int:
    """The position behind a chain of sub-blocks."""
    while length := data[at]:
        at += length + 1
    return at + 1
