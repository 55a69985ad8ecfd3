"""What the prescan of a picture finds."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

Buffer = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """`width` and `height` in pixels, before any rotation; they span the canvas and every frame on it."""

    kind: str
    width: int
    height: int
    frames: int = 1
