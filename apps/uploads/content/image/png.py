"""The chunks of a PNG (PNG specification, third edition, with its animation chunks)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from uploads.content.image.info import Buffer, Colours, ImageInfo, Wrapping
from uploads.content.limits import ImageLimits, check_count, check_frames
from uploads.errors import UploadError

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

# All that a decoder needs. What else there is may be longer than Pillow puts up with, or damaged: no browser minds.
_PICTURE: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"))
_FILM: Final = (b"acTL", b"fcTL", b"fdAT")
_SPARE: Final = frozenset((b"tRNS", b"acTL"))  # of these, what a picture can do without if they are damaged
_ANCILLARY: Final = 0x20  # the bit in the first letter of a chunk that any reader may pass over
_COMPRESSED: Final = (b"iCCP", b"zTXt")
_END: Final = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
_MAX_INFLATED: Final = 64 << 20  # bytes of these together: Photoshop's history has a few million, a bomb more
_GRAY, _RGB, _PALETTE = 0, 2, 3
CLEARED, RESTORED = 1, 2  # how a frame is disposed of before the next one


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    body: int
    end: int  # of the body


def walk(data: Buffer, limits: ImageLimits) -> ImageInfo:
    """A claimed number of frames is held to the limit as well; the frames that are there are those that count."""
    width = height = frames = claimed = parts = colour = 0
    pictures = clear = False
    for chunk in _chunks(data):
        kind, body = chunk.kind, chunk.body
        if (kind == b"IHDR") != (parts == 0):
            raise UploadError("bad_content")
        check_count(parts := parts + 1, limits.max_chunks, "too_complex")
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack_from(">IIBB", data, body)
        elif kind == b"IDAT":
            pictures = True
        elif kind == b"tRNS":
            clear = True
        elif kind == b"acTL":
            (claimed,) = struct.unpack_from(">I", data, body)
        elif kind == b"fcTL":
            w, h, x, y = struct.unpack_from(">4I", data, body + 4)
            clear = clear or data[body + 24] == CLEARED or (frames == 0 and (w, h, x, y) != (width, height, 0, 0))
            width, height, frames = max(width, x + w), max(height, y + h), frames + 1
        check_frames(max(frames, claimed), limits)
    if not pictures:
        raise UploadError("bad_content")
    return ImageInfo("png", width, height, max(frames, 1), is_opaque=not clear and colour < 4)


def unwrap(data: Buffer) -> Wrapping:
    """Nothing but the picture, for the decoder. Raises `UploadError` for a text or profile that is a bomb."""
    kept, film, said, room = [SIGNATURE], [SIGNATURE], dict[bytes, bytes](), _MAX_INFLATED
    is_late = False  # behind the first of the picture's data, where browsers no longer look
    seen = set[bytes]()
    for kind, start, body, end in _chunks(data):
        seen.add(kind)
        is_late = is_late or kind == b"IDAT"
        if kind in _PICTURE and kind not in _SPARE:
            film.append(data[start : end + 4])  # its checksum is the decoder's to look at
            kept += film[-1:] if kind not in _FILM else []
        elif kind[0] & _ANCILLARY and zlib.crc32(data[start + 4 : end]) == int.from_bytes(data[end : end + 4], "big"):
            if kind == b"tRNS" and not _is_fitting(data[25], end - body, has_palette=b"PLTE" in seen):
                continue
            if kind in _SPARE:
                film.append(data[start : end + 4])
                kept += film[-1:] if kind not in _FILM else []
            told = data[body:end]
            if kind in _COMPRESSED:
                told = _inflated(told, room)
                room -= len(told)
            if not is_late:
                said.setdefault(kind, told)
    loop = int.from_bytes(said.get(b"acTL", b"")[4:8], "big")
    depth, colour, clear = data[24], data[25], said.get(b"tRNS", b"")
    key = struct.unpack(f">{len(clear) // 2}H", clear) if (colour, len(clear)) in ((_GRAY, 2), (_RGB, 6)) else ()
    still, moving = b"".join([*kept, _END]), b"".join([*film, _END])
    return Wrapping(still, moving, loop, _exif(said), colours=_colours(said), key=key, depth=depth)


def _exif(said: dict[bytes, bytes]) -> bytes:
    """Without the prefix of a JPEG's: browsers understand none that has it."""
    exif = said.get(b"eXIf", b"")
    return b"" if exif.startswith(b"Exif") else exif


def _is_fitting(colour: int, length: int, *, has_palette: bool) -> bool:
    """Whether a tRNS chunk so long can be about a picture of that colour type, and comes when it must."""
    if colour == _PALETTE:
        return has_palette
    return length == {_GRAY: 2, _RGB: 6}.get(colour)


def size(data: bytes) -> tuple[int, int]:
    """Of the canvas, in pixels."""
    width, height = struct.unpack_from(">II", data, len(SIGNATURE) + 8)
    return width, height


class Patch(NamedTuple):
    """What a frame of an animation stores: a rectangle, as a PNG of its own, and what it does to others."""

    left: int
    top: int
    width: int
    height: int
    milliseconds: float
    disposal: int
    is_blended: bool  # over what is there; it takes its place otherwise
    data: bytes


def patches(data: bytes) -> Iterator[Patch]:
    """The frames of unwrapped data; none of a still, or of what is out of order or beyond the canvas. A picture before
    the first is none.
    """
    chunks = list(_chunks(data))
    width, height = size(data)
    places = [struct.unpack_from(">4I", data, chunk.body + 4) for chunk in chunks if chunk.kind == b"fcTL"]
    if any(left + wide > width or top + high > height for wide, high, left, top in places):
        return
    numbers = [data[chunk.body : chunk.body + 4] for chunk in chunks if chunk.kind in (b"fcTL", b"fdAT")]
    if numbers != [number.to_bytes(4, "big") for number in range(len(numbers))]:
        return
    setting, pieces = b"", list[bytes]()
    control: tuple[int, ...] = ()
    left = 0  # frames
    for kind, start, body, end in (*chunks, _Chunk(b"fcTL", 0, 0, 0)):
        if kind == b"acTL":
            (left,) = struct.unpack_from(">I", data, body)
        elif kind in (b"PLTE", b"tRNS"):
            setting += data[start : end + 4]
        elif kind == b"fcTL":
            if pieces and control and left:
                yield _patch(data, setting, control, pieces)
                left -= 1
            elif control:
                return
            control, pieces = struct.unpack_from(">5I2H2B", data, body), []
        elif kind == b"IDAT" and not left:
            return
        elif kind == b"IDAT" and control:
            pieces.append(data[body:end])
        elif kind == b"fdAT":
            if not control:
                return
            pieces.append(data[body + 4 : end])


def _patch(data: bytes, setting: bytes, control: tuple[int, ...], pieces: list[bytes]) -> Patch:
    _, width, height, left, top, numerator, denominator, disposal, blending = control
    header = _whole(b"IHDR", struct.pack(">II", width, height) + data[24:29])
    alone = b"".join([SIGNATURE, header, setting, *(_whole(b"IDAT", piece) for piece in pieces), _END])
    return Patch(left, top, width, height, 1000 * numerator / (denominator or 100), disposal, blending == 1, alone)


def _whole(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(data: Buffer) -> Iterator[_Chunk]:
    """Up to the end chunk. A file that lacks it, or is cut within what isn't the picture's, is whole for browsers."""
    at = len(SIGNATURE)
    while at < len(data):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        chunk = _Chunk(kind, at, at + 8, at + 8 + length)
        at = chunk.end + 4
        if at > len(data):
            if kind in _PICTURE:
                raise UploadError("bad_content")
            return
        yield chunk
        if kind == b"IEND":
            return


def _inflated(body: bytes, limit: int) -> bytes:
    """What a compressed chunk holds behind its name and method: nothing if it is damaged."""
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(body[body.index(b"\0") + 2 :], limit + 1)
    except (ValueError, zlib.error):
        return b""
    if len(inflated) > limit:
        raise UploadError("bad_content")
    return inflated


def _colours(said: dict[bytes, bytes]) -> Colours:
    """The first that is there, and means anything, counts: "Colour space chunk precedence"."""
    cicp, gamma, primaries = said.get(b"cICP", b""), said.get(b"gAMA", b""), said.get(b"cHRM", b"")
    said_first = Colours(said.get(b"iCCP", b""), (cicp[0], cicp[1]) if len(cicp) == 4 and cicp[2] == 0 else None)
    if said_first.icc or b"sRGB" in said:
        return said_first
    exponent = int.from_bytes(gamma, "big") / 100_000 if len(gamma) == 4 else 0.0
    places = tuple(value / 100_000 for value in struct.unpack(">8I", primaries)) if len(primaries) == 32 else None
    return replace(said_first, gamma=exponent or None, primaries=places)
