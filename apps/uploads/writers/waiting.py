"""Interrupted writers that only this process can go on with, as they buffer and don't say where they stand.

Few, and not for long: each holds up to a part in memory and an unfinished upload in its storage. Those that are
finished, and wait for their page to come back, hold nothing but a result.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

from uploads.writers.causes import session_closed

MOST: Final = 20  # at a time; the one that has waited longest makes room


class Keepable(Protocol):
    @property
    def is_heavy(self) -> bool:
        """Whether it counts."""

    def drop(self, cause: BaseException) -> None:
        """Nobody has come back."""


@dataclass(frozen=True, slots=True)
class _Kept:
    item: Keepable
    until: float


_kept: dict[str, _Kept] = {}  # in the order of their arrival
_lock = threading.Lock()


def keep(upload_id: str, item: Keepable, seconds: float) -> None:
    """Keeps it for so long. Blocks while others are dropped."""
    with _lock:
        _kept[upload_id] = _Kept(item, time.monotonic() + seconds)
        heavy = [key for key, kept in _kept.items() if kept.item.is_heavy]
        too_many = [_kept.pop(oldest) for oldest in heavy[:-MOST]]
    _drop(too_many)


def take(upload_id: str) -> Keepable | None:
    """Takes it out, for whoever resumes."""
    sweep()
    with _lock:
        found = _kept.pop(upload_id, None)
    return found.item if found is not None else None


def sweep(now: float | None = None) -> int:
    """Drops those whose time is over; how many. Blocks."""
    now = time.monotonic() if now is None else now
    with _lock:
        late = [_kept.pop(key) for key, kept in list(_kept.items()) if kept.until <= now]
    _drop(late)
    return len(late)


def _drop(dropped: list[_Kept]) -> None:
    for kept in dropped:
        kept.item.drop(session_closed())
