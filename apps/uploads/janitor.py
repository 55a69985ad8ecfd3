"""Removes what nobody needs any more: what has expired, and what a crash left behind.

It stays away from what is in use, which records, locks and the times of files tell. Each process looks after its own
memory and disk. What all share, records and what is in a bucket, one process of all looks after (`liveview.jobs`).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from liveview import jobs
from liveview.process import here
from uploads.entries.quotas import Ledger
from uploads.errors import UploadError
from uploads.staging import leftovers
from uploads.stores import get_store
from uploads.stores.choice import Stores
from uploads.writers.waiting import Waiting

logger = logging.getLogger("uploads")

EVERY: Final = 15.0  # seconds between two rounds of one process
OFTEN: Final = 60.0  # the same of expired records, of all processes
SELDOM: Final = 600.0  # of what others have registered: it may ask a storage that is billed by the request

Sweep = Callable[[], int]
"""Removes what is stale of one kind; how many. Blocks, and may raise `UploadError`, whose cause it has logged."""

_sweeps: dict[str, Sweep] = {}


def register(what: str, sweep: Sweep, every: float = SELDOM) -> None:
    """Has `sweep` called that often (see `jobs.every`) in one process of all. For the `ready` of a folder that leaves
    things where nobody else looks.

    what: the plural of what is removed, for `uploads_prune` to print.
    """
    _sweeps[what] = sweep
    jobs.every(every, f"removing {what}", partial(_swept, sweep))


def keep() -> None:
    """Shows others which staging files this process needs. So does a round, but that may wait long for a storage."""
    leftovers.keep_alive()


def is_due() -> bool:
    """Whether it is time for a round; at most one caller of a process is told so."""
    return here(Rounds).is_due(EVERY)


def come() -> None:
    """A round, if it is due. Blocks."""
    if is_due():
        go_round()


def go_round() -> None:
    """Through what is this process's own. Blocks."""
    here(Waiting).sweep()
    here(Ledger).sweep()
    sweep()


def prune_records() -> int:
    """Removes expired records; how many. Blocks."""
    return get_store().prune()


def prune() -> dict[str, int]:
    """Everything at once: how many of each kind were removed. Blocks."""
    here(Waiting).sweep()
    here(Ledger).sweep()
    return {
        "expired records": prune_records(),
        "stale files": sweep(),
        **{what: _swept(remove) for what, remove in _sweeps.items()},
    }


def _swept(remove: Sweep) -> int:
    try:
        return remove()
    except UploadError:
        return 0


def sweep() -> int:
    """Removes staging files that nobody needs, and no other file; how many. Blocks."""
    stores = [get_store(), *here(Stores).made()]
    return leftovers.sweep(lambda upload_id: any(store.load(upload_id) is not None for store in stores))


class Rounds:
    """When this process last began one."""

    def __init__(self) -> None:
        self.last = -math.inf  # on the monotonic clock
        self._lock = threading.Lock()

    def is_due(self, every: float) -> bool:
        now = time.monotonic()
        with self._lock:
            if now - self.last < every:
                return False
            self.last = now
            return True
