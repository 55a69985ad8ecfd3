"""What a look at a picture's container says about it."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

from uploads.errors import UploadError

Buffer = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """`width` and `height` in pixels, before any rotation; they span the canvas and every frame on it."""

    kind: str
    width: int
    height: int
    frames: int = 1


def check_count(count: int, limit: int, code: str) -> None:
    """Called while walking, so that a flood ends the walk at the limit and not at the end of the file."""
    if count > limit:
        raise UploadError(code)
