"""Walk a video's container without decoding anything: bounded work, which catches most decompression bombs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import IO, Final

from uploads.content.limits import VideoLimits
from uploads.content.video import mp4, webm
from uploads.content.video.info import VideoInfo
from uploads.content.video.masked_file import Veil
from uploads.errors import UploadError

# What browsers play, by kind of file. Other sound is left out, other pictures are refused.
CODECS: Final = {"mp4": ("h264", "hevc", "vp8", "vp9", "av1"), "webm": ("vp8", "vp9", "av1")}
SOUNDS: Final = {"mp4": ("aac", "flac", "mp3", "opus"), "webm": ("opus", "vorbis")}

_WALKERS: Final[dict[str, Callable[[Veil, VideoLimits], VideoInfo]]] = {"mp4": mp4.walk, "webm": webm.walk}


def prescan(file: IO[bytes], kind: str, limits: VideoLimits) -> tuple[VideoInfo, Veil]:
    """The shape of the video in `file`, of the sniffed type `kind`, and what a decoder may see of it.

    Raises `UploadError`: "bad_content" if the container isn't whole, "no_video", "unsupported_codec",
    "too_many_pixels", "too_long", or "too_complex" for too many parts or tables that can't be true.
    """
    veil = Veil(file)
    try:
        return _WALKERS[kind](veil, limits), veil
    except struct.error:  # a field beyond the end
        raise UploadError("bad_content") from None
