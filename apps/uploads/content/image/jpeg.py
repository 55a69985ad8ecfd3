"""The segments of a JPEG (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
import struct
from typing import Final

from uploads.content.image.info import Buffer, ImageInfo
from uploads.content.limits import ImageLimits, check_count
from uploads.content.warnings import MediaWarning
from uploads.errors import UploadError

# Every marker but stuffing (00), fill (ff) and restarts (d0-d7): inside a scan those belong to the picture's data.
_MARKER: Final = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_FILM: Final = re.compile(rb"\0\0\0[\x10-\x40]ftyp(?:mp4|iso|qt  |avc1)")  # of a "motion photo"
_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01


def walk(data: Buffer, limits: ImageLimits) -> ImageInfo:
    """Up to the end marker. Of what phones append behind it only films are noticed."""
    size: tuple[int, int] | None = None
    parts = scans = 0
    at = 2
    while match := _MARKER.search(data, at):
        marker, at = match[1][0], match.end()
        if marker == _EOI:
            break
        if marker in (_SOI, _TEM):
            continue
        check_count(parts := parts + 1, limits.max_chunks, "too_complex")
        if marker in _SOF:
            if size is not None:  # which of two sizes counts is the decoder's secret
                raise UploadError("bad_content")
            size = struct.unpack_from(">HH", data, at + 3)
        elif marker == _SOS:
            check_count(scans := scans + 1, limits.max_jpeg_scans, "too_complex")
        at += int.from_bytes(data[at : at + 2], "big")
    else:
        raise UploadError("bad_content")
    if size is None or not scans:
        raise UploadError("bad_content")
    beside = (MediaWarning("no_film"),) if _FILM.search(data, at) else ()
    return ImageInfo("jpeg", width=size[1], height=size[0], beside=beside)
