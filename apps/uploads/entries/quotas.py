"""Quotas: how much one visitor, and all visitors together, may have under way.

The declared size is reserved at registration, so that nothing arrives without room for it. Check and reservation are
one step, so that parallel registrations can't overshoot. The reservation is released when the upload is over or its
bytes are gone. A parked upload counts for its owner until it can't be resumed any more, but reserves no disk space.

The ledger is in this process's memory: each of several processes has its own limits, and a restart forgets parked
uploads until they are resumed.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from uploads.conf import conf
from uploads.errors import UploadError

SWEEP_EVERY: Final = 60.0  # seconds


@dataclass(eq=False, slots=True)
class Reservation:
    """One upload's. `until` is a time of the ledger's clock, infinite while the upload is live.

    `size` is in bytes; `awaited` are those that have yet to be written to this machine's disk.
    """

    owner: str
    upload_id: str
    size: int
    awaited: int = 0
    until: float = math.inf

    @property
    def is_live(self) -> bool:
        return self.until == math.inf


@dataclass(slots=True)
class _Usage:
    size: int = 0
    files: int = 0


class Ledger:
    """All reservations, by upload id. May be used in any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[str, Reservation] = {}
        self._owners: defaultdict[str, _Usage] = defaultdict(_Usage)
        self._live = 0
        self._awaited = 0  # bytes that this machine's disk has yet to take
        self._swept = clock()
        self._lock = threading.Lock()

    def reserve(self, owner: str, upload_id: str, size: int, awaited: int = 0, room: float = math.inf) -> Reservation:
        """Replaces what the upload had reserved before.

        room: bytes the disk may still take, `awaited` of this upload and those of all others included.
        Raises `UploadError`: `quota` if the owner would have too much, `busy` if the process would,
        `storage_full` if the disk would.
        """
        with self._lock:
            before = self._held.get(upload_id)
            if before is not None:
                self._drop(before)
            try:
                self._expect_room(owner, size)
                if self._awaited + awaited > room:
                    raise UploadError("storage_full")
            except UploadError:
                if before is not None:
                    self._put(before)
                raise
            made = Reservation(owner, upload_id, size, awaited)
            self._put(made)
            return made

    def written(self, own: Reservation, size: int) -> None:
        """`size` more bytes of it are on the disk."""
        with self._lock:
            self._expect(own, own.awaited - min(size, own.awaited))

    def park(self, upload_id: str, own: Reservation | None, seconds: float) -> None:
        """The upload may be resumed for `seconds`. If somebody else has resumed it, their reservation stays."""
        with self._lock:
            held = self._held.get(upload_id)
            if held is not None and (held is own or not held.is_live):
                self._live -= held.is_live
                self._expect(held, 0)
                held.until = self._clock() + seconds

    def release(self, upload_id: str, own: Reservation | None) -> None:
        """The upload is over. If somebody else has resumed it, their reservation stays."""
        with self._lock:
            held = self._held.get(upload_id)
            if held is not None and (held is own or not held.is_live):
                self._drop(held)

    def of(self, owner: str) -> tuple[int, int]:
        """Bytes and files."""
        with self._lock:
            usage = self._owners.get(owner, _Usage())
            return usage.size, usage.files

    @property
    def live(self) -> int:
        """Uploads that aren't parked."""
        return self._live

    @property
    def awaited(self) -> int:
        """Bytes that the disk has yet to take for live uploads."""
        return self._awaited

    # With the lock held
    def _expect_room(self, owner: str, size: int) -> None:
        if self._clock() - self._swept > SWEEP_EVERY or self._refusal(owner, size):
            self._sweep()
        refusal = self._refusal(owner, size)
        if refusal:
            raise UploadError(refusal)

    def _refusal(self, owner: str, size: int) -> str:
        limits, usage = conf(), self._owners.get(owner, _Usage())
        if limits.owner_files and usage.files >= limits.owner_files:
            return "quota"
        if limits.owner_bytes and usage.size + size > limits.owner_bytes:
            return "quota"
        return "busy" if limits.max_uploads and self._live >= limits.max_uploads else ""

    def _sweep(self) -> None:
        self._swept = now = self._clock()
        for held in [held for held in self._held.values() if held.until <= now]:
            self._drop(held)

    def _put(self, held: Reservation) -> None:
        self._held[held.upload_id] = held
        self._live += held.is_live
        self._awaited += held.awaited
        usage = self._owners[held.owner]
        usage.size, usage.files = usage.size + held.size, usage.files + 1

    def _expect(self, held: Reservation, awaited: int) -> None:
        if self._held.get(held.upload_id) is held:
            self._awaited += awaited - held.awaited
            held.awaited = awaited

    def _drop(self, held: Reservation) -> None:
        del self._held[held.upload_id]
        self._live -= held.is_live
        self._awaited -= held.awaited
        usage = self._owners[held.owner]
        usage.size, usage.files = usage.size - held.size, usage.files - 1
        if not usage.files:
            del self._owners[held.owner]
