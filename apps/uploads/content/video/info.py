"""What the prescan of a video finds."""

from __future__ import annotations

from dataclasses import dataclass

from uploads.content.limits import VideoLimits
from uploads.errors import UploadError


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """`width` and `height` in pixels, as the container says, before any rotation.

    `is_fragmented`: no table in front lists the packets of the whole film. `ahead` is how many seconds a picture may be
    shown before it is decoded, as its times say. `converted` is how many seconds of sound may have to be converted.
    `sound` is what an MP4 calls the codec of its first sound. `subtitles` counts the tracks of them.
    """

    kind: str
    codec: str
    width: int
    height: int
    is_fragmented: bool = False
    ahead: float = 0.0
    sound: str = ""
    converted: float = 0.0
    subtitles: int = 0


def check_size(width: int, height: int, limits: VideoLimits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise UploadError("too_many_pixels")
