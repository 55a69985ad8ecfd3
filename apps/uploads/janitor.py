"""Removes what a crash left behind.

Leases keep it away from what is still in use: a file is touched with each chunk.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Final

from liveview.process import here
from uploads.conf import conf
from uploads.errors import UploadError
from uploads.s3.options import options
from uploads.stores import get_store
from uploads.writers.waiting import Waiting

logger = logging.getLogger("uploads")

EVERY: Final = 600  # seconds between two looks of one process

_OURS: Final = re.compile(r"[0-9a-f]{32}(\.[\w.-]+)?")  # an upload's id, or something made of it
_last = float("-inf")


def is_due() -> bool:
    """Whether it is time to look; at most one caller of a process is told so."""
    global _last
    now = time.monotonic()
    if now - _last < EVERY:
        return False
    _last = now
    return True


def prune() -> tuple[int, int, int]:
    """Removes expired records of the site's store, stale files and multipart uploads; how many of each. Blocks."""
    here(Waiting).sweep()
    return get_store().prune(), sweep(), _sweep_storage()


def sweep() -> int:
    """Removes staging files that nobody has written to for `stale_after` seconds, and no other file; how many. Blocks.

    A file that may still be resumed is not stale.
    """
    folder, removed = conf().staging_dir, 0
    stale_before = time.time() - max(conf().stale_after, conf().upload_state_ttl)
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if _OURS.fullmatch(path.name) and path.lstat().st_mtime < stale_before:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
        except OSError:
            logger.warning("could not remove a stale staging file", exc_info=True)
    return removed


def _sweep_storage() -> int:
    """Where no bucket is set there is nothing to look for, and perhaps no boto3."""
    if not options().bucket:
        return 0
    from uploads.s3 import pruning

    try:
        return pruning.prune()
    except UploadError:
        return 0  # logged where it happened
