"""Whether staging has room: `UPLOADS["DISK_FLOOR"]` says how much must stay free.

What has been declared and hasn't arrived is kept free as well; see `uploads.entries.quotas`. Uploads that have begun
continue below the floor: it is there for them, and for what the rest of the site writes.
"""

from __future__ import annotations

import contextlib
import math
import secrets
from pathlib import Path
from shutil import disk_usage
from typing import Final

from uploads.conf import conf

NAMED: Final = ".name"  # a file in the folder, and unlike those of uploads


def room(also: Path | None = None) -> float:
    """Bytes above the floor, negative below it; infinite without a floor. Blocks.

    also: another folder that is written to: the smaller room counts.
    """
    limits = conf()
    if not limits.disk_floor:
        return math.inf
    free = min(_free(folder) for folder in (limits.staging_dir, also) if folder is not None)
    return free - limits.disk_floor


def name() -> str:
    """The same for all processes that stage in this folder, wherever it is mounted: they share its disk. Blocks.

    Empty where that can't be told.
    """
    path = conf().staging_dir / NAMED
    try:
        return path.read_text() if path.exists() else _named(path)
    except OSError:
        return ""


def _named(path: Path) -> str:
    """The name that the first process gives it holds for all."""
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        draft.write_text(secrets.token_hex(16))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text()


def _free(folder: Path) -> int:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return disk_usage(there).free
