"""Write an animation frame by frame, never holding more than one or two of its frames at full depth."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from PIL import Image, ImageChops

from uploads.content.image import gif
from uploads.content.image.info import Buffer, ImageInfo
from uploads.content.limits import ImageLimits

_MAX_U16: Final = 65_535
_LONGEST: Final = {"gif": 10 * _MAX_U16, "png": 1000 * _MAX_U16, "webp": (1 << 24) - 1}  # milliseconds of a frame
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_NETSCAPE: Final = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"
_DISPOSAL, _CLEAR = 0b11100, 0b00001  # of the flags that control a cel
_INTERLACED: Final = 0x40
_RESTORED: Final = 3  # how a frame is disposed of: to what was there before


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole picture as it's shown, and for how many milliseconds."""

    picture: Image.Image
    duration: float


class Reel(Image.Image):
    """Frames as an image that can `seek`: the only thing that Pillow's encoders step through without making a list.

    The first frame is `first`; each `seek`, wherever to, brings the next of at most `n_frames` more as `current`. They
    are all in one mode, RGB or RGBA. `durations` grows with them: encoders ask for one after its frame.
    """

    def __init__(self, frames: Iterator[Frame], count: int, mode: str, longest: int) -> None:
        super().__init__()
        self.durations: list[int] = []
        self.n_frames = count - 1
        self._frames = frames
        self._longest = longest
        self.first = self.current = self._take(next(frames), mode)

    def seek(self, frame: int) -> None:
        coming = next(self._frames, None)
        if coming is None:
            raise EOFError
        self.current = shown = self._take(coming, self.first.mode)
        self.im, self._mode, self._size = shown.im, shown.mode, shown.size

    def _take(self, frame: Frame, mode: str) -> Image.Image:
        self.durations.append(max(0, min(round(frame.duration), self._longest)))
        picture = frame.picture.convert(mode)  # always a copy: the decoder goes on with its own
        picture.info = {}  # encoders would write what is in it
        return picture


def plays(kind: str, loop: int | None) -> int:
    """How often an animation is played, 0 for endlessly, from what its container says: in a GIF how often again."""
    if kind == "gif":
        return 1 if loop is None else loop and loop + 1
    return loop or 0


def write(
    file: IO[bytes], kind: str, frames: Iterator[Frame], count: int, times: int, *, is_opaque: bool
) -> tuple[tuple[int, int], int]:
    """Encode as "gif", "png" or "webp"; the picture's size, and how many frames came out.

    It is played so many `times`, 0 for endlessly. Encoders merge frames that look alike.
    """
    reel = Reel(frames, count, "RGB" if is_opaque else "RGBA", _LONGEST[kind])
    if kind == "png":
        return reel.first.size, _write_png(file, reel, min(times, _MAX_U16))
    options: dict[str, Any] = {"loop": min(times, _MAX_U16)}
    if kind == "gif":
        options = {"loop": max(0, min(times - 1, _MAX_U16))} if times != 1 else {}
        # Over opaque frames only what changed is stored; what is seen through has to be cleared each time.
        options["disposal"] = 1 if is_opaque else 2
    else:
        options |= {"quality": 80, "method": 2}
    reel.first.save(file, kind, save_all=True, append_images=[reel], duration=reel.durations, **options)
    file.flush()
    with Image.open(str(file.name), formats=[kind]) as written:
        return written.size, int(getattr(written, "n_frames", 1))


def copy_gif(file: IO[bytes], data: Buffer, info: ImageInfo, limits: ImageLimits, count: int, times: int) -> int:
    """Write the first `count` frames of a GIF as they are stored: each decoded, and encoded again; how many there are.

    They keep their colours and their places, so that nothing is lost and little is to be done. Raises `UploadError`.
    """
    table = gif.colours(data)
    flags = (0x80 | _size(table)) if table else 0
    file.write(b"GIF89a" + struct.pack("<HHBxx", info.width, info.height, flags) + table)
    if times != 1:
        file.write(_NETSCAPE + struct.pack("<Hx", max(0, min(times - 1, _MAX_U16))))
    written = 0
    for cel in itertools.islice(gif.cels(data, limits), count):
        if cel.control:
            kept = cel.control[0] & (_DISPOSAL | _CLEAR)
            file.write(b"\x21\xf9\x04" + bytes([kept]) + cel.control[1:] + b"\0")
        own = (0x80 | _size(cel.colours)) if cel.colours else 0
        file.write(b"\x2c" + struct.pack("<4HB", *cel[:4], own) + cel.colours + _indices(data, cel, table, limits))
        written += 1
    file.write(b"\x3b")
    return written


def gif_frames(data: Buffer, info: ImageInfo, limits: ImageLimits) -> Iterator[Frame]:
    """As browsers show them. What a frame leaves clear, or is cleared of, is seen through whatever the background."""
    table = gif.colours(data)
    canvas = Image.new("RGBA", (info.width, info.height))
    for cel in gif.cels(data, limits):
        before = canvas.copy() if cel.disposal == _RESTORED else None
        patch = _decoded(data, cel, table)
        patch.putpalette((cel.colours or table or bytes(range(256)) * 3).ljust(768, b"\0"))
        if cel.is_clear:
            patch.info["transparency"] = cel.control[3]
        patch = patch.convert("RGBA")
        canvas.paste(patch, (cel.left, cel.top), patch)
        yield Frame(canvas, 10 * int.from_bytes(cel.control[1:3], "little"))
        if before is not None:
            canvas = before
        elif cel.disposal == gif.CLEARED:
            canvas.paste((0, 0, 0, 0), (cel.left, cel.top, cel.left + cel.width, cel.top + cel.height))


def _indices(data: Buffer, cel: gif.Cel, table: bytes, limits: ImageLimits) -> bytes:
    """A cel's, compressed anew."""
    encoded = io.BytesIO()
    _decoded(data, cel, table).save(encoded, "GIF", optimize=False, interlace=False)
    again = encoded.getvalue()
    return again[slice(*next(gif.cels(again, limits)).data)]


def _decoded(data: Buffer, cel: gif.Cel, table: bytes) -> Image.Image:
    """A cel's indices, the pixels of a picture of its own: it is in whatever colours that picture has."""
    colours = cel.colours or table or bytes(768)
    screen = struct.pack("<HHBxx", cel.width, cel.height, 0x80 | _size(colours)) + colours
    place = struct.pack("<4HB", 0, 0, cel.width, cel.height, cel.flags & _INTERLACED)
    alone = io.BytesIO(b"GIF89a" + screen + b"\x2c" + place + data[slice(*cel.data)] + b"\x3b")
    with Image.open(alone, formats=["GIF"]) as picture:
        return Image.frombytes("P", picture.size, picture.tobytes())


def _size(table: bytes) -> int:
    """As the flags of a GIF announce a table of colours."""
    return (len(table) // 3).bit_length() - 2


def _write_png(file: IO[bytes], reel: Reel, loops: int) -> int:
    """Pillow's own writer keeps every frame; this one writes the changed rectangle of each frame as it comes."""
    before: Image.Image | None = None
    sequence = itertools.count()
    count = 0
    for count in itertools.count(1):
        picture = reel.current
        box = _changed(before, picture)
        header, pieces = _png_parts(picture if before is None else picture.crop(box))
        if before is None:
            file.write(_PNG + _chunk(b"IHDR", header) + _animation_control(0, loops))
        left, top, right, bottom = box
        place = (next(sequence), right - left, bottom - top, left, top)
        file.write(_chunk(b"fcTL", struct.pack(">5IHHBB", *place, *_fraction(reel.durations[-1]), 0, 0)))
        for piece in pieces:
            file.write(
                _chunk(b"IDAT", piece) if before is None else _chunk(b"fdAT", struct.pack(">I", next(sequence)) + piece)
            )
        before = picture
        try:
            reel.seek(count)
        except EOFError:
            break
    file.write(_chunk(b"IEND", b""))
    file.seek(len(_PNG) + 25)  # after the IHDR chunk: the count is known only now
    file.write(_animation_control(count, loops))
    return count


def _fraction(milliseconds: int) -> tuple[int, int]:
    """Of a second: two numbers of 16 bits."""
    unit = next(unit for unit in (1, 10, 1000) if milliseconds <= unit * _MAX_U16)
    return round(milliseconds / unit), 1000 // unit


def _changed(before: Image.Image | None, picture: Image.Image) -> tuple[int, int, int, int]:
    if before is None:
        return (0, 0, *picture.size)
    return ImageChops.difference(before, picture).getbbox(alpha_only=False) or (0, 0, 1, 1)


def _png_parts(picture: Image.Image) -> tuple[bytes, list[bytes]]:
    """The body of the header and those of the data chunks, as Pillow encodes a still."""
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    data, at = encoded.getvalue(), len(_PNG)
    bodies: dict[bytes, list[bytes]] = {}
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        bodies.setdefault(kind, []).append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return bodies[b"IHDR"][0], bodies[b"IDAT"]


def _animation_control(frames: int, loops: int) -> bytes:
    return _chunk(b"acTL", struct.pack(">II", frames, loops))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))
