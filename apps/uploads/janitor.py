"""Removes what nobody needs any more: what has expired, and what a crash left behind.

It stays away from what is in use, which records, locks and the times of files tell.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from liveview.process import here
from uploads.entries.quotas import Ledger
from uploads.errors import UploadError
from uploads.staging import leftovers
from uploads.stores import get_store
from uploads.stores.choice import Stores
from uploads.writers.waiting import Waiting

logger = logging.getLogger("uploads")

EVERY: Final = 15.0  # seconds between two rounds of one process
SELDOM: Final = 600.0  # the same of what others have registered: it may ask a storage that is billed by the request

Sweep = Callable[[], int]
"""Removes what is stale of one kind; how many. Blocks, and may raise `UploadError`, whose cause it has logged."""

_sweeps: dict[str, tuple[Sweep, float]] = {}


def register(what: str, sweep: Sweep, every: float = SELDOM) -> None:
    """Has `sweep` called in a round when so many seconds have passed. For the `ready` of a folder that leaves things
    where nobody else looks.

    what: the plural of what is removed, for `uploads_prune` to print.
    """
    _sweeps[what] = sweep, every


def keep() -> None:
    """Shows others which staging files this process needs. A round does so, too, but may wait long for a storage."""
    leftovers.keep_alive()


def is_due() -> bool:
    """Whether it is time for a round; at most one caller of a process is told so."""
    return here(Rounds).is_due("", EVERY)


def come() -> None:
    """A round, if it is due. Blocks."""
    if is_due():
        prune(also=here(Rounds).is_due)


def prune(also: Callable[[str, float], bool] = lambda what, every: True) -> dict[str, int]:
    """One round: how many of each kind were removed. Blocks.

    also: whether what was registered is swept as well.
    """
    here(Waiting).sweep()
    here(Ledger).sweep()
    removed = {"expired records": get_store().prune(), "stale files": sweep()}
    for what, (remove, every) in _sweeps.items():
        if also(what, every):
            try:
                removed[what] = remove()
            except UploadError:
                removed[what] = 0
    return removed


def sweep() -> int:
    """Removes staging files that nobody needs, and no other file; how many. Blocks."""
    stores = [get_store(), *here(Stores).made()]
    return leftovers.sweep(lambda upload_id: any(store.load(upload_id) is not None for store in stores))


class Rounds:
    """When this process last began one, of each kind."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}  # on the monotonic clock
        self._lock = threading.Lock()

    def is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self.last.get(what, float("-inf")) < every:
                return False
            self.last[what] = now
            return True
