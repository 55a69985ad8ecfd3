"""Completes a custom store: its offsets decide whether an upload is known; our own store keeps the rest."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Any

from asgiref.sync import async_to_sync

from uploads.stores.base import Lease, Record, StateStore, UploadStateStore, translated


@translated
class CustomStore:
    """`offsets` is the application's; its methods may be coroutine functions."""

    def __init__(self, offsets: UploadStateStore, rest: StateStore) -> None:
        self._offsets, self._rest = offsets, rest

    def save(self, record: Record, ttl: float) -> None:
        self._rest.save(record, ttl)
        self.set_offset(record.id, 0)

    def replace(self, record: Record) -> None:
        self._rest.replace(record)

    def load(self, upload_id: str) -> Record | None:
        return self._rest.load(upload_id) if self.get_offset(upload_id) is not None else None

    def touch(self, upload_id: str, ttl: float) -> None:
        self._rest.touch(upload_id, ttl)

    def forget(self, upload_id: str) -> None:
        self._rest.forget(upload_id)
        self.clear_offset(upload_id)

    def acquire(self, upload_id: str, holder: str, seconds: float) -> Lease | None:
        return self._rest.acquire(upload_id, holder, seconds)

    def renew(self, lease: Lease, seconds: float) -> bool:
        return self._rest.renew(lease, seconds)

    def release(self, lease: Lease) -> None:
        self._rest.release(lease)

    def prune(self) -> int:
        return self._rest.prune()

    def get_offset(self, upload_id: str) -> int | None:
        offset: int | None = _result(self._offsets.get_offset(upload_id))
        return offset

    def set_offset(self, upload_id: str, offset: int) -> None:
        _result(self._offsets.set_offset(upload_id, offset))

    def clear_offset(self, upload_id: str) -> None:
        _result(self._offsets.clear_offset(upload_id))


def _result(value: Any) -> Any:
    if inspect.isawaitable(value):
        return async_to_sync(_awaited)(value)
    return value


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
