"""What the prescan of a video finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from uploads.content.limits import VideoLimits
from uploads.errors import UploadError


class Edit(NamedTuple):
    """A stretch of a track, by that one's clock: when it is shown, where it is in the track, and how long it is."""

    begin: int
    media: int
    lasting: int


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """`width` and `height` in pixels, as the container says, before any rotation.

    `is_fragmented`: no table in front lists the packets of the whole film. `ahead` is how many seconds a picture may be
    shown before it is decoded, as its times say. `converted` is how many seconds of sound may have to be converted.
    `edits` are the stretches that are shown of each track of pictures that browsers play, if an MP4 lists them.
    `sound` is what an MP4 calls the codec of its first sound. `pictures` and `subtitles` count the tracks of them, and
    `extras` are what else there is, as `warnings` calls it.
    """

    kind: str
    codec: str
    width: int
    height: int
    is_fragmented: bool = False
    ahead: float = 0.0
    sound: str = ""
    converted: float = 0.0
    pictures: int = field(default=1, compare=False)
    subtitles: int = 0
    extras: frozenset[str] = field(default=frozenset(), compare=False)
    edits: tuple[tuple[Edit, ...], ...] = field(default=(), compare=False)


def check_size(width: int, height: int, limits: VideoLimits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise UploadError("too_many_pixels")
