"""What the prescan of a video finds."""

from __future__ import annotations

from dataclasses import dataclass

from uploads.content.limits import VideoLimits
from uploads.errors import UploadError


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """`width` and `height` in pixels, as the container says, before any rotation.

    `is_edited`: an edit list skips some of the frames in the file.
    """

    kind: str
    codec: str
    width: int
    height: int
    is_edited: bool = False


def check_size(width: int, height: int, limits: VideoLimits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise UploadError("too_many_pixels")
