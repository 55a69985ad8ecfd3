"""The blocks of a GIF (GIF89a specification)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from uploads.content.image.info import Buffer, ImageInfo
from uploads.content.limits import ImageLimits, check_count, check_frames, check_pixels
from uploads.errors import UploadError

_EXTENSION: Final = 0x21
_CONTROL: Final = 0xF9
_IMAGE: Final = 0x2C
CLEARED: Final = 2  # how a frame is disposed of: to what is behind the picture


class Cel(NamedTuple):
    """What a frame stores: a rectangle of indices into colours. `control` is the delay and what it does to others."""

    left: int
    top: int
    width: int
    height: int
    flags: int
    colours: bytes  # its own; none if it has the picture's
    data: tuple[int, int]  # where the compressed indices start and end
    control: bytes = b""

    @property
    def is_clear(self) -> bool:
        """Whether one of its colours stands for nothing."""
        return bool(self.control) and bool(self.control[0] & 1)

    @property
    def disposal(self) -> int:
        return self.control[0] >> 2 & 7 if self.control else 0


def walk(data: Buffer, limits: ImageLimits) -> ImageInfo:
    """Up to the trailer. The canvas is as large as the first frame needs it, and cuts off others, which still count."""
    width, height = screen = struct.unpack_from("<HH", data, 6)
    frames = patches = 0
    is_opaque = True
    for cel in cels(data, limits):
        check_frames(frames := frames + 1, limits)
        if frames == 1:
            covers = cel.left == cel.top == 0 and cel.width >= width and cel.height >= height
            is_opaque = covers and not cel.is_clear
        width, height = max(width, cel.left + cel.width), max(height, cel.top + cel.height)
        screen = screen if frames > 1 else (width, height)
        patches += cel.width * cel.height
        is_opaque = is_opaque and cel.disposal != CLEARED
    if not frames:
        raise UploadError("bad_content")
    check_pixels(width, height, limits)
    return ImageInfo("gif", screen[0], screen[1], frames, patches, is_opaque)


def cels(data: Buffer, limits: ImageLimits) -> Iterator[Cel]:
    """Up to the trailer or, as browsers do it, to what is no block: the file's end, or anything else."""
    parts = 0
    at = 13 + _table(data[10])
    control = b""
    while at < len(data) and (kind := data[at]) in (_EXTENSION, _IMAGE):
        check_count(parts := parts + 1, limits.max_chunks, "too_complex")
        if kind == _EXTENSION:
            if data[at + 1] == _CONTROL and data[at + 2] == 4:
                control = data[at + 3 : at + 7]
            at = _skip(data, at + 2)
        else:
            left, top, width, height, flags = struct.unpack_from("<4HB", data, at + 1)
            own = _table(flags)
            body, at = at + 10 + own, _skip(data, at + 11 + own)
            yield Cel(left, top, width, height, flags, data[body - own : body], (body, at), control)
            control = b""


def colours(data: Buffer) -> bytes:
    """Those of the picture, which a cel without its own has."""
    return data[13 : 13 + _table(data[10])]


def _table(flags: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip(data: Buffer, at: int) -> int:
    """The position behind a chain of sub-blocks."""
    while length := data[at]:
        at += length + 1
    return at + 1
