"""Videos that are known: see `uploads.tests.media`."""

from __future__ import annotations

import random
from pathlib import Path

from uploads.tests.media import video

__all__ = ["padded", "video"]


def padded(path: Path, size: int, seed: int = 1) -> Path:
    """Two seconds of a film with random bytes behind them, in a box that players skip: `size` bytes in all."""
    nothing = size - video(path, sound="aac", seconds=2).stat().st_size
    with path.open("ab") as file:
        file.write(nothing.to_bytes(4, "big") + b"free" + random.Random(seed).randbytes(nothing - 8))
    return path
