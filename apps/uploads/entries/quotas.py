"""Quotas: how much one visitor, and all visitors together, may have under way.

What all share is shared fairly: nobody may have more of the places, or of the disk, than they leave to others. So one
who takes all they can get has half, two have a third each, and there is always something left for who comes next.

The declared size is reserved at registration, so that nothing arrives without room for it. Check and reservation are
one step, so that parallel registrations can't overshoot. The reservation is released when the upload is over or its
bytes are gone. A parked upload counts for its owner until it can't be resumed any more, but reserves no disk space.

What a visitor has under way, and what a disk has yet to take, is counted in Redis for all processes, where the site has
one (`uploads.stores.counts`). Without one, and while it is away, each process counts for itself, and a restart forgets
parked uploads until they are resumed. A disk isn't trusted to luck: while Redis is away, a process takes no more of it
than its part, if every other takes as much. Places are each process's own: they are its memory.
"""

from __future__ import annotations

import math
import secrets
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
from uploads.stores.counts import Claim, Counts, Refused, name_of, site_counts

SWEEP_EVERY: Final = 60.0  # seconds
FEW: Final = 10  # files that anybody may have while there is a place
SHARERS: Final = 16  # processes that share a disk, at most: what is free is divided by that while they can't be asked


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
        self._item = f"body:{secrets.token_hex(8)}"
        self._is_known = self._is_over = False  # `_is_known`: to the ledger
        self._lock = threading.Lock()  # held while all processes are asked

    def __enter__(self) -> Awaited:
        return self

    def __exit__(self, *_: object) -> None:
        """Never blocks: if a thread still asks, that thread gives back what it gets."""
        self._is_over = True
        if self._lock.acquire(blocking=False):
            try:
                self._give_back()
            finally:
                self._lock.release()

    def reserve(self, size: int, folder: Path | None = None) -> None:
        """So many more, in `folder` if not in staging. Blocks; raises `UploadError`: `storage_full`, `busy`.

        Nothing once it is over: who asked in a thread may have been cancelled before the thread's turn.
        """
        room = disk_space.room(folder)
        try:
            with self._lock:
                if not self._is_over:
                    self._is_known = True
                    here(Ledger).await_bytes(self._owner, self._item, size, self._left, room)
                    self._left += size
        finally:
            if self._is_over:
                with self._lock:
                    self._give_back()

    def written(self, size: int) -> None:
        """So many of them are on the disk. Never blocks, except while `reserve` does."""
        with self._lock:
            size = min(size, self._left)
            self._left -= size
            here(Ledger).awaited_came(self._owner, self._item, size)

    def _give_back(self) -> None:
        left, self._left = self._left, 0
        if self._is_known:
            here(Ledger).await_no_more(self._owner, self._item, left)


@dataclass(slots=True)
class _Usage:
    size: int = 0
    files: int = 0
    live: int = 0
    awaited: int = 0


class Shared:
    """The same of all processes, where the site has a Redis.

    `take` and `take_disk` block. What can't be told now is told later.
    """

    def __init__(self) -> None:
        self._named = ""

    @property
    def is_there(self) -> bool:
        """Whether the site has one. It may be away."""
        return self._counts is not None

    @property
    def _counts(self) -> Counts | None:
        return site_counts()

    @property
    def _disk(self) -> str:
        """Looked up once, by the first call: that may be one that gives back what another process has parked."""
        self._named = self._named or disk_space.name()
        return self._named

    def take(self, owner: str, upload_id: str, size: int) -> bool:
        """False if Redis is away. Raises `UploadError("quota")`."""
        counts, limits = self._counts, conf()
        assert counts is not None
        most, most_files = limits.owner_bytes or math.inf, limits.owner_files or math.inf
        try:
            return counts.take([Claim(_of(owner), upload_id, size, most, most_files)]) is not None
        except Refused:
            raise UploadError("quota") from None

    def take_disk(self, owner: str, item: str, awaited: int, more: int, room: float) -> int | None:
        """What all have yet to write to the disk; `more` of what the item awaits is new. None if Redis is away.

        Raises `UploadError`: `storage_full`, `busy`.
        """
        counts = self._counts
        assert counts is not None
        if not self._disk:
            return None
        of_all, of_owner = self._disks(owner)
        try:
            sums = counts.take([Claim(of_all, item, awaited, room), Claim(of_owner, item, awaited)])
        except Refused:
            raise UploadError("storage_full") from None
        if sums is None:
            return None
        total, own = sums[0], sums[1] - awaited
        if own and own + more + total > room:
            raise UploadError("busy")
        return total

    # None of these blocks
    def tell(self, held: Reservation, seconds: float) -> None:
        """Of one that is live, or can be resumed for so long."""
        counts = self._counts
        if counts is None:
            return
        if held.is_live:
            counts.hold(_of(held.owner), held.upload_id, held.size)
        else:
            counts.park(_of(held.owner), held.upload_id, held.size, seconds)
        if held.is_live or not held.awaited:
            self.set_disk(held.owner, held.upload_id, held.awaited)
        else:
            for account in self._disks(held.owner):
                counts.park(account, held.upload_id, held.awaited, seconds)

    def set_disk(self, owner: str, item: str, awaited: int) -> None:
        counts = self._counts
        if counts is not None and self._disk:
            for account in self._disks(owner):
                if awaited:
                    counts.hold(account, item, awaited)
                else:
                    counts.drop(account, item)

    def came(self, owner: str, item: str, size: int) -> None:
        counts = self._counts
        if size and counts is not None and self._disk:
            for account in self._disks(owner):
                counts.change(account, item, -size)

    def drop(self, owner: str, item: str) -> None:
        """Also what another process has parked."""
        counts = self._counts
        if counts is not None and owner:
            counts.drop(_of(owner), item)
            self.set_disk(owner, item, 0)

    def take_back(self, owner: str, item: str) -> None:
        """What another process has parked stays parked."""
        counts = self._counts
        if counts is not None:
            for account in (_of(owner), *self._disks(owner)):
                counts.drop(account, item, parked=False)

    def _disks(self, owner: str) -> tuple[str, str]:
        disk = f"disk:{{{self._disk}}}"  # in braces: both are in one slot of a cluster
        return disk, f"{disk}:{name_of(owner)}"


def _of(owner: str) -> str:
    return f"owner:{{{name_of(owner)}}}"


class Ledger:
    """All reservations, by upload id. May be used in any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[str, Reservation] = {}
        self._owners: defaultdict[str, _Usage] = defaultdict(_Usage)
        self._live = 0
        self._awaited = 0  # bytes that this machine's disk has yet to take
        self._others = 0  # the same of other processes with the same disk, when they were last asked
        self._swept = clock()
        self._shared = Shared()
        self._lock = threading.Lock()

    def reserve(self, owner: str, upload_id: str, size: int, awaited: int = 0, room: float = math.inf) -> Reservation:
        """Replaces what the upload had reserved before. Blocks where all processes are counted.

        room: bytes the disk may still take, `awaited` of this upload and those of all others included.
        Raises `UploadError`: `quota` if the owner would have too much, `busy` if the process would, or the owner more
        than they leave to others; `storage_full` if the disk would, `storage_unavailable` if nobody can say.
        """
        made = Reservation(owner, upload_id, size, awaited)
        is_shared = self._shared.is_there
        with self._lock:
            before = self._held.get(upload_id)
            if before is not None:
                self._drop(before)
            try:
                self._expect_place(owner)
                if not is_shared:
                    self._expect_quota(owner, size, files=1)
                    self._expect_disk(owner, awaited, room)
            except UploadError:
                if before is not None:
                    self._put(before)
                raise
            self._put(made)
        if is_shared:
            self._expect_of_all(made, room, before)
        return made

    def written(self, own: Reservation, size: int) -> None:
        """`size` more bytes of it are on the disk."""
        with self._lock:
            size = min(size, own.awaited)
            is_current = self._held.get(own.upload_id) is own
            if is_current:
                self._expect(own, own.awaited - size)
        if is_current:
            self._shared.came(own.owner, own.upload_id, size)

    def written_to(self, owner: str, upload_id: str, size: int) -> None:
        """The same of an upload that is parked, here or by another process."""
        held = self._held.get(upload_id)
        if held is not None:
            self.written(held, size)
        else:
            self._shared.came(owner, upload_id, size)

    def park(self, upload_id: str, own: Reservation | None, seconds: float, awaited: int = 0) -> None:
        """The upload may be resumed for `seconds`. If somebody else has resumed it, their reservation stays.

        awaited: bytes that the disk is still to take for it, without another reservation.
        """
        with self._lock:
            held = self._held.get(upload_id)
            if held is None or held is not own and held.is_live:
                return
            self._drop(held)
            held.awaited, held.until = awaited, self._clock() + seconds
            self._put(held)
        self._shared.tell(held, seconds)

    def release(self, owner: str, upload_id: str, own: Reservation | None) -> None:
        """The upload is over. If somebody else has resumed it, their reservation stays.

        owner: whose it is, should it have been parked by another process.
        """
        with self._lock:
            held = self._held.get(upload_id)
            if held is not None and held is not own and held.is_live:
                return
            if held is not None:
                self._drop(held)
        self._shared.drop(held.owner if held is not None else owner, upload_id)

    # Of what is no upload yet
    def await_bytes(self, owner: str, item: str, size: int, before: int = 0, room: float = math.inf) -> None:
        """The disk is to take `size` bytes for something of that name, beside those `before`.

        Blocks, and raises `UploadError`, as `reserve` does for the disk.
        """
        is_shared = self._shared.is_there
        with self._lock:
            if not is_shared:
                self._expect_disk(owner, size, room, before)
            self._await(owner, size)
        if not is_shared:
            return
        try:
            self._expect_disk_of_all(owner, item, before + size, size, room)
        except UploadError:
            with self._lock:
                self._await(owner, -size)
            self._shared.set_disk(owner, item, before)
            raise

    def awaited_came(self, owner: str, item: str, size: int) -> None:
        """So many of them are on the disk."""
        with self._lock:
            self._await(owner, -size)
        self._shared.came(owner, item, size)

    def await_no_more(self, owner: str, item: str, left: int) -> None:
        """It is over, and so many of them never came."""
        with self._lock:
            self._await(owner, -left)
        self._shared.set_disk(owner, item, 0)

    def sweep(self) -> None:
        """Forgets what can't be resumed any more."""
        with self._lock:
            self._sweep()

    def of(self, owner: str) -> tuple[int, int]:
        """Bytes and files in this process."""
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

    def _expect_of_all(self, made: Reservation, room: float, before: Reservation | None) -> None:
        """Counts it for all processes. What can't be asked is judged by what is known here."""
        try:
            if made.awaited:
                self._expect_disk_of_all(made.owner, made.upload_id, made.awaited, made.awaited, room)
            if not self._shared.take(made.owner, made.upload_id, made.size):
                with self._lock:
                    self._expect_quota(made.owner)
        except UploadError:
            with self._lock:
                if self._held.get(made.upload_id) is made:
                    self._drop(made)
                    if before is not None:
                        self._put(before)
            if before is not None:
                self._shared.tell(before, before.until - self._clock())
            else:
                self._shared.take_back(made.owner, made.upload_id)
            raise

    def _expect_disk_of_all(self, owner: str, item: str, awaited: int, more: int, room: float) -> None:
        total = self._shared.take_disk(owner, item, awaited, more, room)
        with self._lock:
            if total is None:
                self._expect_part(room)
            else:
                self._others = max(0, total - self._awaited)

    # With the lock held
    def _expect_place(self, owner: str) -> None:
        left = (conf().max_uploads or math.inf) - self._live
        if left <= 0 or self._owners.get(owner, _Usage()).live >= max(FEW, left):
            raise UploadError("busy")

    def _expect_quota(self, owner: str, size: int = 0, files: int = 0) -> None:
        """For so much more."""
        if self._clock() - self._swept > SWEEP_EVERY or self._is_over_quota(owner, size, files):
            self._sweep()
        if self._is_over_quota(owner, size, files):
            raise UploadError("quota")

    def _is_over_quota(self, owner: str, size: int, files: int) -> bool:
        limits, usage = conf(), self._owners.get(owner, _Usage())
        is_over: bool = usage.files + files > (limits.owner_files or math.inf)
        return is_over or usage.size + size > (limits.owner_bytes or math.inf)

    def _expect_part(self, room: float) -> None:
        """Nobody knows what others have taken since: so much is left if all of them take as much as this one has."""
        if self._awaited > (room - self._others) / SHARERS:
            raise UploadError("storage_unavailable")

    def _expect_disk(self, owner: str, awaited: int, room: float, before: int = 0) -> None:
        left = room - self._awaited - awaited
        if awaited and left < 0:
            raise UploadError("storage_full")
        own = self._owners.get(owner, _Usage()).awaited - before
        if awaited and own and own + awaited > left:
            raise UploadError("busy")

    def _await(self, owner: str, size: int) -> None:
        self._awaited += size
        usage = self._owners[owner]
        usage.awaited += size
        if usage == _Usage():
            del self._owners[owner]

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
