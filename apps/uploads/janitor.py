"""Removes what a crash left behind.

It stays away from what is in use, which leases and the times of files tell: a file is touched with each chunk.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Final

from liveview.process import here
from uploads.conf import conf
from uploads.errors import UploadError
from uploads.stores import get_store
from uploads.writers.waiting import Waiting

logger = logging.getLogger("uploads")

EVERY: Final = 600  # seconds between two rounds of one process

Sweep = Callable[[], int]
"""Removes what is stale of one kind; how many. Blocks, and may raise `UploadError`, whose cause it has logged."""

_sweeps: dict[str, Sweep] = {}
_OURS: Final = re.compile(r"[0-9a-f]{32}(\.[\w.-]+)?")  # an upload's id, or something made of it


def register(what: str, sweep: Sweep) -> None:
    """Has `sweep` called in each round. For the `ready` of a folder that leaves things where nobody else looks.

    what: the plural of what is removed, for `uploads_prune` to print.
    """
    _sweeps[what] = sweep


def is_due() -> bool:
    """Whether it is time for a round; at most one caller of a process is told so."""
    return here(Rounds).is_due()


def prune() -> dict[str, int]:
    """One round: how many of each kind were removed. Blocks."""
    here(Waiting).sweep()
    removed = {"expired records": get_store().prune(), "stale files": sweep()}
    for what, remove in _sweeps.items():
        try:
            removed[what] = remove()
        except UploadError:
            removed[what] = 0
    return removed


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


class Rounds:
    """When this process last began one."""

    def __init__(self) -> None:
        self.last = float("-inf")  # on the monotonic clock
        self._lock = threading.Lock()

    def is_due(self) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self.last < EVERY:
                return False
            self.last = now
            return True
