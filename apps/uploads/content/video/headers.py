"""What our muxers leave out of a film's header: the size at which oblong pixels are shown, and where an edit ends it.

FFmpeg's own program writes the size; through PyAV it can't be said. So both are put into the file that was made.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

PLACEHOLDER: Final = "." * 40  # a WebM track's name while it is written: it leaves as much room

_TRACKS, _ENTRY, _NAME, _VIDEO, _CRC, _VOID = 0x1654AE6B, 0xAE, 0x536E, 0xE0, 0xBF, 0xEC
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _STEREO = 0x54B0, 0x54BA, 0x53B8
_MAX_HEADER: Final = 2 << 20  # bytes, of a WebM's


def _header(file: BinaryIO, container: str) -> bytes:
    """What is in front of the media: in our MP4s the index, which grows with the film."""
    if container == "webm":
        return file.read(_MAX_HEADER)
    at, kind = 0, b""
    while kind != b"moov":
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            raise ValueError("not a film of ours")
        size, kind = struct.unpack(">I4s", head)
        at += max(8, size)
    file.seek(0)
    return file.read(at)


class _Part(NamedTuple):
    kind: bytes | int
    at: int
    body: int
    end: int


def show_at(path: Path, container: str, width: int, height: int) -> None:
    """Has the pictures of the film at `path` shown in that size, in pixels. Raises `ValueError` if it can't be one."""
    with path.open("r+b") as file:
        data = _header(file, container)
        try:
            at, patch = (_track_header if container == "mp4" else _track_entry)(data, width, height)
        except (IndexError, StopIteration, struct.error):
            raise ValueError("not a film of ours") from None
        file.seek(at)
        file.write(patch)


# MP4


def end_at(path: Path, seconds: float) -> None:
    """Has the pictures of the MP4 at `path` end so early: what is behind is decoded for others, and not shown."""
    with path.open("r+b") as file:
        data = bytearray(_header(file, "mp4"))
        try:
            _end_at(data, seconds)
        except (StopIteration, struct.error):
            raise ValueError("not a film of ours") from None
        file.seek(0)
        file.write(data)


def _end_at(data: bytearray, seconds: float) -> None:
    movie = next(box for box in _boxes(data, 0, len(data)) if box.kind == b"moov")
    parts = [box for box in _boxes(data, movie.body, movie.end) if box.kind in (b"mvhd", b"trak")]
    tracks = [box for box in parts if box.kind == b"trak"]
    header = next(box for box in parts if box.kind == b"mvhd")
    (scale,) = struct.unpack_from(">I", data, header.body + 12)
    durations = [_inside(data, track, b"tkhd").body + 20 for track in tracks]
    struct.pack_into(">I", data, durations[0], round(seconds * scale))
    longest = max(struct.unpack_from(">I", data, at)[0] for at in durations)
    struct.pack_into(">I", data, header.body + 16, longest)
    edits = _inside(data, _inside(data, tracks[0], b"edts"), b"elst")
    (count,) = struct.unpack_from(">I", data, edits.body + 4)
    at = edits.body + 8
    waits = sum(struct.unpack_from(">I", data, at + 12 * number)[0] for number in range(count - 1))
    # Rounded down: the first picture that isn't shown comes right then.
    struct.pack_into(">I", data, at + 12 * (count - 1), int(seconds * scale) - waits)


def _inside(data: bytes | bytearray, parent: _Part, kind: bytes) -> _Part:
    return next(box for box in _boxes(data, parent.body, parent.end) if box.kind == kind)


def _track_header(data: bytes, width: int, height: int) -> tuple[int, bytes]:
    """The last two numbers of the first track's header, in fixed point, and where they are."""
    at, end = 0, len(data)
    for kind in (b"moov", b"trak", b"tkhd"):
        at, end = next((box.body, box.end) for box in _boxes(data, at, end) if box.kind == kind)
    is_long = data[at] == 1  # times of 64 bits
    return at + (88 if is_long else 76), struct.pack(">2I", width << 16, height << 16)


def _boxes(data: bytes | bytearray, at: int, end: int) -> Iterator[_Part]:
    while at < end:
        size, kind = struct.unpack_from(">I4s", data, at)
        yield _Part(kind, at, at + 8, at + size)
        at += max(8, size)


# WebM


def _track_entry(data: bytes, width: int, height: int) -> tuple[int, bytes]:
    """The list of tracks, whose first one gets the size in the place of its name; and where it is."""
    *_, segment = _elements(data, 0, len(data), most=2)
    tracks = next(part for part in _elements(data, segment.body, len(data)) if part.kind == _TRACKS)
    made, is_done = b"", False
    for part in _elements(data, tracks.body, tracks.end):
        if part.kind == _ENTRY and not is_done:
            made, is_done = made + _shown_at(data, part, width, height), True
        elif part.kind == _CRC:  # it is of what was there before
            made += _void(part.end - part.at)
        else:
            made += data[part.at : part.end]
    return tracks.body, made


def _shown_at(data: bytes, entry: _Part, width: int, height: int) -> bytes:
    made = data[entry.at : entry.body]
    for part in _elements(data, entry.body, entry.end):
        if part.kind == _VIDEO:
            sides = _element(_DISPLAY_WIDTH, struct.pack(">I", width)) + _element(
                _DISPLAY_HEIGHT, struct.pack(">I", height)
            )
            # That two eyes have their pictures side by side is in the size already, and would count once more.
            said = (each for each in _elements(data, part.body, part.end) if each.kind != _STEREO)
            made += _element(_VIDEO, b"".join(data[each.at : each.end] for each in said) + sides)
        elif part.kind != _NAME:
            made += data[part.at : part.end]
    return made + _void(entry.end - entry.at - len(made))


def _elements(data: bytes, at: int, end: int, most: int = 1000) -> Iterator[_Part]:
    for _ in range(most):
        if at >= end:
            return
        ident_width, size_width = 9 - data[at].bit_length(), 0
        size_at = at + ident_width
        size_width = 9 - data[size_at].bit_length()
        body = size_at + size_width
        size = int.from_bytes(data[size_at:body], "big") & (1 << 7 * size_width) - 1
        yield _Part(int.from_bytes(data[at:size_at], "big"), at, body, body + size)
        at = body + size


def _element(ident: int, body: bytes) -> bytes:
    return ident.to_bytes((ident.bit_length() + 7) // 8, "big") + (1 << 28 | len(body)).to_bytes(4, "big") + body


def _void(length: int) -> bytes:
    """Nothing, in that many bytes."""
    if length == 0:
        return b""
    if not 2 <= length < 128:
        raise ValueError("no room")
    return bytes([_VOID, 0x80 | length - 2]) + bytes(length - 2)
