"""The segments of a JPEG (ITU-T T.81, annex B)."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from uploads.content.image.info import Buffer, Colours, ImageInfo, Wrapping
from uploads.content.limits import ImageLimits, check_count
from uploads.content.warnings import MediaWarning
from uploads.errors import UploadError

# Every marker but stuffing (00), fill (ff) and restarts (d0-d7): inside a scan those belong to the picture's data.
_MARKER: Final = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_FILM: Final = re.compile(rb"\0\0\0[\x10-\x40]ftyp(?:mp4|iso|qt  |avc1)")  # of a "motion photo"
_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOI, _EOI, _SOS, _TEM, _APP1, _APP2 = 0xD8, 0xD9, 0xDA, 0x01, 0xE1, 0xE2
_EXIF, _PROFILE = b"Exif\0", b"ICC_PROFILE\0"
_PICTURES: Final = b"MPF\0"  # the Multi-Picture Format (CIPA DC-007)
_ENTRIES, _ENTRY = 0xB002, 16  # its list of pictures, and the bytes of each
_VIEW: Final = 0x02  # a kind of picture: of a panorama, for another eye, from another side
_END: Final = bytes((0xFF, _EOI))
_NOISE: Final = random.Random(1).randbytes(4096).replace(b"\xff", b"\x7f")


def walk(data: Buffer, limits: ImageLimits) -> ImageInfo:
    """Up to the end marker or, as browsers do it, the end of the file: the decoder will find what is missing then.

    Of what phones append behind the picture only films are noticed.
    """
    size: tuple[int, int] | None = None
    parts = scans = views = 0
    end = 2
    for marker, at in _segments(data):
        end = at
        if marker == _EOI:
            break
        check_count(parts := parts + 1, limits.max_chunks, "too_complex")
        if marker in _SOF:
            if size is not None:  # which of two sizes counts is the decoder's secret
                raise UploadError("bad_content")
            size = struct.unpack_from(">HH", data, at + 3)
        elif marker == _SOS:
            check_count(scans := scans + 1, limits.max_jpeg_scans, "too_complex")
        elif marker == _APP2 and data[at + 2 : at + 6] == _PICTURES:
            views = _views(data[at + 6 : at + int.from_bytes(data[at : at + 2], "big")])
    if size is None or not scans:
        raise UploadError("bad_content")
    beside = (MediaWarning("no_film"),) if _FILM.search(data, end) else ()
    if views > 1:
        beside = (MediaWarning("one_of_several", str(views)), *beside)
    return ImageInfo("jpeg", width=size[1], height=size[0], beside=beside)


def unwrap(data: Buffer) -> Wrapping:
    """What browsers take of the segments in front of the picture, in whatever order these are."""
    exif: bytes | None = None
    profile: list[bytes] = []
    is_front, is_ended = True, False
    for marker, at in _segments(data):
        is_front, is_ended = is_front and marker != _SOS, marker == _EOI
        body = data[at + 2 : at + int.from_bytes(data[at : at + 2], "big")] if is_front and not is_ended else b""
        if marker == _APP1 and exif is None and body.startswith(_EXIF):
            exif = body[len(_EXIF) + 1 :]  # behind a byte that only fills
        elif marker == _APP2 and body.startswith(_PROFILE):
            profile.append(body[len(_PROFILE) :])
    told = Wrapping(exif=exif or b"", colours=Colours(icc=_joined(profile)))
    if is_ended:
        return told
    there = data[:].rstrip(b"\xff")
    return replace(told, data=there + _END, noisy=there + _NOISE + _END)


def _segments(data: Buffer) -> Iterator[tuple[int, int]]:
    """Each marker up to that of the end, and where what it announces begins. Raises `UploadError` if that is cut."""
    at = 2
    while match := _MARKER.search(data, at):
        marker, at = match[1][0], match.end()
        if marker in (_SOI, _TEM):
            continue
        yield marker, at
        if marker == _EOI:
            return
        at += int.from_bytes(data[at : at + 2], "big")
        if at > len(data):
            raise UploadError("bad_content")


def _joined(parts: list[bytes]) -> bytes:
    """A profile of its numbered parts; empty if they don't fit each other. What comes once all are there is ignored."""
    found: dict[int, bytes] = {}
    for part in parts:
        number, count = (*part[:2], 0, 0)[:2]
        if not 0 < number <= count or count != parts[0][1] or number in found:
            return b""
        found[number] = part[2:]
        if len(found) == count:
            return b"".join(found[number] for number in sorted(found))
    return b""


def _views(listed: bytes) -> int:
    """How many of the pictures in a file are to be looked at, which previews and maps of light are not."""
    order = "<" if listed[:2] == b"II" else ">"
    try:
        (at,) = struct.unpack_from(f"{order}I", listed, 4)
        (count,) = struct.unpack_from(f"{order}H", listed, at)
        fields = struct.iter_unpack(f"{order}HHII", listed[at + 2 : at + 2 + 12 * count])
        length, place = next((length, place) for tag, _, length, place in fields if tag == _ENTRIES)
        kinds = [
            kind for kind, *_ in struct.iter_unpack(f"{order}4I", listed[place : place + length // _ENTRY * _ENTRY])
        ]
    except (struct.error, StopIteration):  # nobody has to understand it
        return 0
    return sum(kind >> 16 & 0xFF == _VIEW for kind in kinds)
