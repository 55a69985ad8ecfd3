"""Parked writers that only this process can resume, as they buffer and don't say where they stand.

Few, and not for long: each holds up to a part in memory and an unfinished upload in its storage. Those that are
finished, and wait for their page to come back, hold only a result.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

from uploads.writers.causes import session_closed

MOST: Final = 20  # at a time; the one that has waited longest makes room


class Parked(Protocol):
    @property
    def is_heavy(self) -> bool:
        """Whether it counts towards `MOST`."""

    def drop(self, cause: BaseException) -> None:
        """Nobody has resumed it."""


@dataclass(frozen=True, slots=True)
class _Place:
    item: Parked
    until: float


class Waiting:
    """All of this process, by upload id and in order of arrival."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._lock = threading.Lock()

    def __contains__(self, upload_id: str) -> bool:
        return upload_id in self._places

    def __len__(self) -> int:
        return len(self._places)

    def keep(self, upload_id: str, item: Parked, seconds: float) -> None:
        """Keeps it for `seconds`. Blocks while others are dropped."""
        with self._lock:
            self._places[upload_id] = _Place(item, time.monotonic() + seconds)
            heavy = [key for key, place in self._places.items() if place.item.is_heavy]
            too_many = [self._places.pop(oldest) for oldest in heavy[:-MOST]]
        _drop(too_many)

    def take(self, upload_id: str) -> Parked | None:
        """Takes it out, to be resumed."""
        self.sweep()
        with self._lock:
            found = self._places.pop(upload_id, None)
        return found.item if found is not None else None

    def sweep(self, now: float | None = None) -> int:
        """Drops those whose time is up; how many. Blocks."""
        now = time.monotonic() if now is None else now
        with self._lock:
            late = [self._places.pop(key) for key, place in list(self._places.items()) if place.until <= now]
        _drop(late)
        return len(late)


def _drop(dropped: list[_Place]) -> None:
    for place in dropped:
        place.item.drop(session_closed())
