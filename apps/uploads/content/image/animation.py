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

_MAX_U16: Final = 65_535  # the formats' limit, of milliseconds and of repetitions
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole picture as it's shown, and for how many milliseconds."""

    picture: Image.Image
    duration: float

    @property
    def milliseconds(self) -> int:
        return max(0, min(round(self.duration), _MAX_U16))


class Reel(Image.Image):
    """Frames as an image that can `seek`: the only thing that Pillow's encoders step through without making a list.

    The first frame is `first`; each `seek`, wherever to, brings the next of at most `n_frames` more as `current`. They
    are all in the first one's mode, RGB or RGBA. `durations` grows with them: encoders ask for one after its frame.
    """

    def __init__(self, frames: Iterator[Frame], count: int) -> None:
        super().__init__()
        self.durations: list[int] = []
        self.n_frames = count - 1
        self._frames = frames
        frame = next(frames)
        self.first = self.current = self._take(frame, "RGBA" if _is_see_through(frame.picture) else "RGB")

    def seek(self, frame: int) -> None:
        coming = next(self._frames, None)
        if coming is None:
            raise EOFError
        self.current = shown = self._take(coming, self.first.mode)
        self.im, self._mode, self._size = shown.im, shown.mode, shown.size

    def _take(self, frame: Frame, mode: str) -> Image.Image:
        self.durations.append(frame.milliseconds)
        picture = frame.picture.convert(mode)  # always a copy: the decoder goes on with its own
        picture.info = {}  # encoders would write what is in it
        return picture


def write(file: IO[bytes], kind: str, reel: Reel, loop: int | None) -> tuple[tuple[int, int], int]:
    """Encode as "gif", "png" or "webp"; the picture's size, and how many frames came out.

    `loop` is how often it is played, 0 for endlessly and None for the format's default. Encoders merge frames
    that look alike.
    """
    if kind == "png":
        return reel.first.size, _write_png(file, reel, min(loop or 0, _MAX_U16))
    options: dict[str, Any] = {} if loop is None else {"loop": min(loop, _MAX_U16)}
    if kind == "gif":
        # Over an opaque first frame only what changed is stored; a see-through one has to be cleared each time.
        options["disposal"] = 2 if reel.first.mode == "RGBA" else 1
    else:
        options |= {"quality": 80, "method": 2}
    reel.first.save(file, kind, save_all=True, append_images=[reel], duration=reel.durations, **options)
    file.flush()
    with Image.open(str(file.name), formats=[kind]) as written:
        return written.size, int(getattr(written, "n_frames", 1))


def _is_see_through(picture: Image.Image) -> bool:
    return picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255)


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
        file.write(_chunk(b"fcTL", struct.pack(">5IHHBB", *place, reel.durations[-1], 1000, 0, 0)))
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
