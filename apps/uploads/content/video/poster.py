"""One frame of a film as players show it: in its shape, its colours, upright, and mirrored as the film is."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, WebPImagePlugin
from PIL.Image import Transpose

from uploads.content.limits import VideoLimits
from uploads.content.video import colours
from uploads.content.video.info import check_size
from uploads.errors import UploadError

if TYPE_CHECKING:
    from av.container import InputContainer

_AT: Final = 1.0  # seconds: many videos begin in black
_PACKETS: Final = 300  # that may go into a decoder before its first frame comes out,
_PIXELS: Final = 600_000_000  # and the pixels in them
_HD: Final = 720  # lines from which on players take untagged colours for those of BT.709
_UNSPECIFIED, _ITU709, _ITU2020 = 2, 1, 9  # H.273's matrix coefficients, of which FFmpeg converts these:
_MATRICES: Final = frozenset({0, _ITU709, _UNSPECIFIED, 4, 5, 6, 7, _ITU2020})


@dataclass(frozen=True, slots=True)
class Turn:
    """How a player turns a picture: mirrored from left to right, then turned, in degrees counter-clockwise."""

    rotation: int
    is_mirrored: bool
    transpose: Transpose | None

    @property
    def is_sideways(self) -> bool:
        return abs(self.rotation) == 90


# By whether the sides are swapped, and whether what is then across and down runs backwards.
_TURNS: Final = {
    (False, False, False): Turn(0, False, None),
    (False, True, False): Turn(0, True, Transpose.FLIP_LEFT_RIGHT),
    (False, False, True): Turn(180, True, Transpose.FLIP_TOP_BOTTOM),
    (False, True, True): Turn(180, False, Transpose.ROTATE_180),
    (True, False, False): Turn(90, True, Transpose.TRANSPOSE),
    (True, True, False): Turn(-90, False, Transpose.ROTATE_270),
    (True, False, True): Turn(90, False, Transpose.ROTATE_90),
    (True, True, True): Turn(-90, True, Transpose.TRANSVERSE),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """`width` and `height` in pixels, as the film is shown."""

    width: int
    height: int
    turn: Turn


def make_poster(made: InputContainer, path: Path, limits: VideoLimits) -> Shape:
    """Decodes a frame of a film that we wrote, and writes it to `path` as a WebP."""
    stream = made.streams.video[0]
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1  # a child may start no threads
    size = stream.width, stream.height
    frame = _frame(made, _AT)
    if frame is None or (frame.width, frame.height) != size:  # a recording may change its size: it begins with that one
        frame = _frame(made, 0.0) or frame
    if frame is None:
        raise UploadError("bad_content")
    check_size(frame.width, frame.height, limits)
    width, height = shown_size(frame.width, frame.height, made.streams.video[0].sample_aspect_ratio)
    if max(width, height) > limits.max_side:
        raise UploadError("too_many_pixels")
    scale = min(1.0, limits.poster_side / max(width, height))
    picture = _picture(frame, max(1, round(width * scale)), max(1, round(height * scale)), height)
    turn = _turn(frame)
    if turn.transpose is not None:
        picture = picture.transpose(turn.transpose)
    picture.info = {}
    with path.open("wb") as file:
        picture.save(file, WebPImagePlugin.WebPImageFile.format, quality=80)
    return Shape(height, width, turn) if turn.is_sideways else Shape(width, height, turn)


def shown_size(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """The size of a picture whose pixels have that `aspect`: one side grows, none shrinks (HTML, "intrinsic size")."""
    aspect = aspect or Fraction(1)
    return (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))


def _picture(frame: Any, width: int, height: int, lines: int) -> Image.Image:
    matrix = None if frame.colorspace in _MATRICES else _ITU2020 if frame.color_primaries == 9 else _ITU709
    if frame.colorspace == _UNSPECIFIED and lines >= _HD:
        matrix = _ITU709
    picture: Image.Image = frame.reformat(width, height, format="rgb24", src_colorspace=matrix, threads=1).to_image()
    return colours.shown(picture, frame.color_primaries, frame.color_trc, _peak(frame))


def _peak(frame: Any) -> float:
    """How bright the film becomes, in nits, as it says itself: its brightest pixel, or what the grader's screen had."""
    if (level := _said(frame, "CONTENT_LIGHT_LEVEL")) is not None:
        (brightest,) = struct.unpack_from("=I", level)
        if brightest:
            return float(brightest)
    if (screen := _said(frame, "MASTERING_DISPLAY_METADATA")) is not None:
        *_, over, under, _, has_luminance = struct.unpack("=22i", screen[:88])
        if has_luminance and over > 0 and under > 0:
            return float(over / under)
    return colours.PEAK


def _said(frame: Any, kind: str) -> bytes | None:
    """What is said beside a frame, in numbers of the machine's byte order."""
    try:
        said = frame.side_data.get(kind)
    except (
        ValueError
    ):  # PyAV gives nothing if there is one thing that it doesn't know, such as which eye a frame is for
        return None
    return None if said is None else bytes(said)


def _turn(frame: Any) -> Turn:
    """The nearest to what the track's matrix says."""
    matrix = _said(frame, "DISPLAYMATRIX")
    if matrix is None:
        angle = math.radians(frame.rotation)
        a, b, c, d = math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle)
    else:
        a, b, _, c, d = struct.unpack_from("=5i", matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _TURNS[False, a < 0, d < 0]
    return _TURNS[True, c < 0, b < 0]


def _frame(made: InputContainer, at: float) -> Any:
    """The first frame that comes out of the decoder from the key frame at or behind `at` seconds on."""
    stream = made.streams.video[0]
    try:
        made.seek(round(at * 1_000_000), backward=not at)
    except OSError:  # there is no key frame so late
        return None
    most = min(_PACKETS, 20 + _PIXELS // max(1, stream.width * stream.height))
    for number, packet in enumerate(made.demux(stream)):
        frames = packet.decode()
        if frames:
            return frames[0]
        if number >= most:
            break
    return None
