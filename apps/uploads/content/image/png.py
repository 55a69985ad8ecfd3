"""The chunks of a PNG (PNG specification, third edition, with its animation chunks)."""

from __future__ import annotations

import struct

from uploads.content.image.info import Buffer, ImageInfo
from uploads.content.limits import ImageLimits, check_count
from uploads.errors import UploadError


def walk(data: Buffer, limits: ImageLimits) -> ImageInfo:
    """A claimed number of frames is held to the limit as well; the frames that are there are those that count."""
    width = height = frames = claimed = parts = 0
    pictures = False
    at = 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        body, at = at + 8, at + 12 + length
        if at > len(data) or (kind == b"IHDR") != (parts == 0):
            raise UploadError("bad_content")
        check_count(parts := parts + 1, limits.max_chunks, "too_complex")
        if kind == b"IEND":
            break
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", data, body)
        elif kind == b"IDAT":
            pictures = True
        elif kind == b"acTL":
            (claimed,) = struct.unpack_from(">I", data, body)
        elif kind == b"fcTL":
            w, h, x, y = struct.unpack_from(">4I", data, body + 4)
            width, height, frames = max(width, x + w), max(height, y + h), frames + 1
        check_count(max(frames, claimed), limits.max_frames, "too_many_frames")
    if not pictures:
        raise UploadError("bad_content")
    return ImageInfo("png", width, height, max(frames, 1))
