"""Quotas: how much one visitor, and all visitors together, may have under way.

What all share is shared fairly: nobody may have more of the places, or of the disk, than they leave to others. So one
who takes all they can get has half, two have a third each, and there is always something left for who comes next.

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
from pathlib import Path
from typing import Final

from liveview.process import here
from uploads.conf import conf
from uploads.errors import UploadError
from uploads.staging import disk_space

SWEEP_EVERY: Final = 60.0  # seconds
FEW: Final = 10  # files that anybody may have while there is a place


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


class Awaited:
    """Bytes that the disk is to take for what is no upload yet: a body on its way to a view, or to its place.

    Use as a context manager: what isn't written then never will be.
    """

    def __init__(self, owner: str) -> None:
        self._owner, self._left = owner, 0
        self._is_over = False
        self._lock = threading.Lock()

    def __enter__(self) -> Awaited:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_over = True
        self.written(self._left)

    def reserve(self, size: int, folder: Path | None = None) -> None:
        """So many more, in `folder` if not in staging. Blocks; raises `UploadError`: `storage_full`, `busy`.

        Nothing once it is over: who asked in a thread may have been cancelled before the thread's turn.
        """
        room = disk_space.room(folder)
        with self._lock:
            if not self._is_over:
                here(Ledger).await_bytes(self._owner, size, room, self._left)
                self._left += size

    def written(self, size: int) -> None:
        """So many of them are on the disk. Never blocks."""
        with self._lock:
            size = min(size, self._left)
            self._left -= size
            here(Ledger).await_bytes(self._owner, -size)


@dataclass(slots=True)
class _Usage:
    size: int = 0
    files: int = 0
    live: int = 0
    awaited: int = 0


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
        Raises `UploadError`: `quota` if the owner would have too much, `busy` if the process would, or the owner more
        than they leave to others; `storage_full` if the disk would.
        """
        with self._lock:
            before = self._held.get(upload_id)
            if before is not None:
                self._drop(before)
            try:
                self._expect_room(owner, size)
                self._expect_disk(owner, awaited, room)
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

    def written_to(self, upload_id: str, size: int) -> None:
        """The same of an upload that is parked."""
        held = self._held.get(upload_id)
        if held is not None:
            self.written(held, size)

    def park(self, upload_id: str, own: Reservation | None, seconds: float, awaited: int = 0) -> None:
        """The upload may be resumed for `seconds`. If somebody else has resumed it, their reservation stays.

        awaited: bytes that the disk is still to take for it, without another reservation.
        """
        with self._lock:
            held = self._held.get(upload_id)
            if held is not None and (held is own or not held.is_live):
                self._drop(held)
                held.awaited, held.until = awaited, self._clock() + seconds
                self._put(held)

    def release(self, upload_id: str, own: Reservation | None) -> None:
        """The upload is over. If somebody else has resumed it, their reservation stays."""
        with self._lock:
            held = self._held.get(upload_id)
            if held is not None and (held is own or not held.is_live):
                self._drop(held)

    def await_bytes(self, owner: str, size: int, room: float = math.inf, before: int = 0) -> None:
        """The disk is to take `size` bytes for something that is no upload yet; a negative size takes that back.

        before: bytes that it is to take for the same thing already.
        Raises `UploadError` as `reserve` does for the disk.
        """
        with self._lock:
            self._expect_disk(owner, max(0, size), room, before)
            self._awaited += size
            usage = self._owners[owner]
            usage.awaited += size
            if usage == _Usage():
                del self._owners[owner]

    def sweep(self) -> None:
        """Forgets what can't be resumed any more."""
        with self._lock:
            self._sweep()

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
        left = (limits.max_uploads or math.inf) - self._live
        return "busy" if left <= 0 or usage.live >= max(FEW, left) else ""

    def _expect_disk(self, owner: str, awaited: int, room: float, before: int = 0) -> None:
        left = room - self._awaited - awaited
        if awaited and left < 0:
            raise UploadError("storage_full")
        own = self._owners.get(owner, _Usage()).awaited - before
        if awaited and own and own + awaited > left:
            raise UploadError("busy")

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
        usage.live, usage.awaited = usage.live + held.is_live, usage.awaited + held.awaited

    def _expect(self, held: Reservation, awaited: int) -> None:
        if self._held.get(held.upload_id) is held:
            self._awaited += awaited - held.awaited
            self._owners[held.owner].awaited += awaited - held.awaited
            held.awaited = awaited

    def _drop(self, held: Reservation) -> None:
        del self._held[held.upload_id]
        self._live -= held.is_live
        self._awaited -= held.awaited
        usage = self._owners[held.owner]
        usage.size, usage.files = usage.size - held.size, usage.files - 1
        usage.live, usage.awaited = usage.live - held.is_live, usage.awaited - held.awaited
        if usage == _Usage():
            del self._owners[held.owner]
