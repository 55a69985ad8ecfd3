"""State in the memory of one process: lost with it, which may do for tests and single-process servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from uploads.stores.base import Lease, Record


@dataclass
class _Kept:
    record: Record
    until: float
    offset: int = 0
    token: int = 0
    holder: str = ""
    leased_until: float = 0.0


class InMemoryUploadState:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def save(self, record: Record, ttl: float) -> None:
        with self._lock:
            self._drop_expired()
            self._kept[record.id] = _Kept(record, self._clock() + ttl)

    def replace(self, record: Record) -> None:
        with self._lock:
            if kept := self._find(record.id):
                kept.record = record

    def load(self, upload_id: str) -> Record | None:
        with self._lock:
            kept = self._find(upload_id)
            return kept.record if kept else None

    def touch(self, upload_id: str, ttl: float) -> None:
        with self._lock:
            if kept := self._find(upload_id):
                kept.until = self._clock() + ttl

    def forget(self, upload_id: str) -> None:
        with self._lock:
            self._kept.pop(upload_id, None)

    def acquire(self, upload_id: str, holder: str, seconds: float) -> Lease | None:
        with self._lock:
            kept, now = self._find(upload_id), self._clock()
            if kept is None or (kept.leased_until > now and kept.holder != holder):
                return None
            kept.token, kept.holder, kept.leased_until = kept.token + 1, holder, now + seconds
            return Lease(upload_id, holder, kept.token)

    def renew(self, lease: Lease, seconds: float) -> bool:
        with self._lock:
            kept = self._find(lease.upload_id)
            if kept is None or kept.token != lease.token:
                return False
            kept.leased_until = self._clock() + seconds
            return True

    def release(self, lease: Lease) -> None:
        with self._lock:
            kept = self._find(lease.upload_id)
            if kept is not None and kept.token == lease.token:
                kept.leased_until = 0.0

    def prune(self) -> int:
        with self._lock:
            return self._drop_expired()

    def get_offset(self, upload_id: str) -> int | None:
        with self._lock:
            kept = self._find(upload_id)
            return kept.offset if kept else None

    def set_offset(self, upload_id: str, offset: int) -> None:
        with self._lock:
            if kept := self._find(upload_id):
                kept.offset = offset

    clear_offset = forget

    def _drop_expired(self) -> int:
        now, before = self._clock(), len(self._kept)
        self._kept = {key: kept for key, kept in self._kept.items() if kept.until > now}
        return before - len(self._kept)

    def _find(self, upload_id: str) -> _Kept | None:
        kept = self._kept.get(upload_id)
        return kept if kept is not None and kept.until > self._clock() else None
