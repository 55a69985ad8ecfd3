"""How long a picture will take, known before any of it is decoded: whether it is accepted never depends on luck.

The numbers are what a slow processor was measured to take, or more, for the worst of pictures. A child may take several
times as long, should the machine be slower still: one that is stopped then was not at fault.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from uploads.content.image.formats import published
from uploads.content.image.info import ImageInfo
from uploads.content.limits import ChildLimits

if TYPE_CHECKING:
    from uploads.content.image.processing import Rendition

# Nanoseconds of a pixel
_DECODED: Final = {"gif": 15, "jpeg": 30, "png": 40, "webp": 40, "avif": 60, "heic": 60}
_FITTED: Final = 15  # and turned, and converted to sRGB
_STILL: Final = {"gif": 100, "jpeg": 60, "png": 150, "webp": 250}
_FRAME: Final = {"gif": 100, "png": 150, "webp": 250}
_CEL: Final = 40  # of a GIF whose frames stay as they are stored
_SEEK: Final = 0.0005  # seconds of a frame, however small
_ROOM: Final = 4  # how many times the expected time a child may take


def seconds(info: ImageInfo, renditions: Iterable[Rendition]) -> float:
    """Of an ordinary processor, for all of these renditions."""
    decoded = max(info.width * info.height, info.patches if info.frames == 1 else 0) * _DECODED[info.kind]
    total = decoded * 1e-9
    for rendition in renditions:
        target = published(info.kind) if rendition.format == "same" else rendition.format
        frames = min(rendition.frames, info.frames)
        if frames == 1 or target == "jpeg":
            total += (info.width * info.height * _FITTED + _fitted(info, rendition) * _STILL[target]) * 1e-9
        elif is_copied(info, rendition, target):
            total += info.patches * _CEL * 1e-9 + frames * _SEEK
        else:
            each = decoded + info.width * info.height * _FITTED + _fitted(info, rendition) * _FRAME[target]
            total += frames * (each * 1e-9 + _SEEK)
    return total


def is_copied(info: ImageInfo, rendition: Rendition, target: str) -> bool:
    """Whether the frames of a GIF stay as they are stored: nothing of them changes its size."""
    is_whole = not rendition.square and max(info.width, info.height) <= rendition.max_side
    return is_whole and info.kind == target == "gif"


def child_limits(expected: float) -> ChildLimits:
    """Ample room for what is expected to take so many seconds."""
    cpu = 10 + math.ceil(_ROOM * expected)
    return ChildLimits(cpu_seconds=cpu, wall_seconds=60 + 2 * cpu)


def _fitted(info: ImageInfo, rendition: Rendition) -> float:
    """Pixels of what is made."""
    longest, shortest = max(info.width, info.height), min(info.width, info.height)
    scale = min(1.0, rendition.max_side / (shortest if rendition.square else longest))
    return shortest**2 * scale**2 if rendition.square else info.width * info.height * scale**2
