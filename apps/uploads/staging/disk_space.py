"""Whether there is room where bytes wait: `UPLOADS["DISK_FLOOR"]` says how much is to stay free.

Uploads that have begun go on below it; what they need is what the floor is for, and what the rest of the site writes.
"""

from __future__ import annotations

import time
from pathlib import Path
from shutil import disk_usage
from typing import Final

from uploads.conf import conf
from uploads.errors import UploadError

LOOK_EVERY: Final = 1.0  # seconds

_seen: tuple[Path, float, int] | None = None  # of which folder, when, and how many bytes were free


def expect_room() -> None:
    """Raises `UploadError("storage_full")`. Asks the file system once a second, as it is called on the event loop."""
    limits = conf()
    if limits.disk_floor and _free(limits.staging_dir) < limits.disk_floor:
        raise UploadError("storage_full")


def _free(folder: Path) -> int:
    global _seen
    now, seen = time.monotonic(), _seen
    if seen is not None and seen[0] == folder and now - seen[1] < LOOK_EVERY:
        return seen[2]
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    _seen = folder, now, disk_usage(there).free
    return _seen[2]
