"""Limits on the structure of a file, and on the child process that decodes it."""

from __future__ import annotations

from dataclasses import dataclass

from uploads.errors import UploadError
from uploads.sentences import Sentence
from uploads.sentences import gettext_noop as _


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Checked on the container's structure, before anything is decoded.

    `max_chunks` counts PNG and WebP chunks, JPEG segments and GIF blocks; `max_total_frame_pixels` counts the frames
    that are kept, not those that are dropped. `max_seconds` is how long a picture may keep a slow processor busy, as
    estimated by its format, its size and what is made of it (`image/work.py`).
    """

    max_pixels: int = 50_000_000
    max_side: int = 16_384
    max_frames: int = 1000
    max_total_frame_pixels: int = 200_000_000
    max_jpeg_scans: int = 100
    max_chunks: int = 20_000
    max_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Checked on the container's structure, and again on what the decoder finds.

    `max_samples` counts frames and sound packets together, as the tables of the file describe them; `max_parts` counts
    boxes or elements. `max_header` bounds, in bytes, what has to be read before the first frame. `poster_side` is that
    of the poster, in pixels.
    """

    max_pixels: int = 36_000_000
    max_side: int = 8192
    max_seconds: float = 4 * 3600
    max_streams: int = 8
    max_tracks: int = 32  # those that are left out, such as a phone's sensor data, included
    max_samples: int = 3_000_000
    max_parts: int = 250_000
    max_header: int = 128 << 20
    poster_side: int = 1280


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What one child may use, in bytes and seconds. The kernel holds it to them where the platform can."""

    address_space: int = 1152 << 20  # of which the decoders' own code takes 130 MB
    cpu_seconds: int = 20
    wall_seconds: float = 90  # others may need the processor as well
    open_files: int = 32
    file_bytes: int = 256 << 20  # the largest file it may write
    processes: int = 0  # how many more it may start
    threads: bool = False  # whether it may start threads: a decoder for HEVC can't do without


def check_count(count: int, limit: int, code: str) -> None:
    """Called while walking, so that a flood ends the walk at the limit and not at the end of the file."""
    if count > limit:
        raise UploadError(code)


def check_frames(count: int, limits: ImageLimits) -> None:
    if count > limits.max_frames:
        text = _("This picture has too many frames. The limit is %(limit)s.")
        raise UploadError("too_many_frames", Sentence(text, limit=limits.max_frames))


def check_pixels(width: int, height: int, limits: ImageLimits) -> None:
    if not width or not height:
        raise UploadError("bad_content")
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        text = _("This picture has too many pixels. The limit is %(millions)s million, and %(side)s on a side.")
        raise UploadError(
            "too_many_pixels", Sentence(text, millions=limits.max_pixels / 1_000_000, side=limits.max_side)
        )


def check_total(pixels: int, limits: ImageLimits) -> None:
    """Of all frames, or tiles, that are decoded."""
    if pixels > limits.max_total_frame_pixels:
        text = _(
            "This picture has too many frames of its size. "
            "The limit is %(millions)s million pixels in all frames together."
        )
        raise UploadError("too_many_frames", Sentence(text, millions=limits.max_total_frame_pixels / 1_000_000))
