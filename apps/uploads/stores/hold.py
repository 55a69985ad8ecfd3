"""What ties an upload to its record and its lease, whichever way it came: on a socket, by its fall-back or by HTTP.

While it is held, nobody else writes. Parked, it waits to be resumed; `NO_HOLD` stands in for one that can't be.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from liveview.threads import with_connections
from uploads.conf import conf
from uploads.core.contracts import Entry
from uploads.errors import UploadError
from uploads.stores.base import MAX_RECORD, Lease, Record, StateStore

logger = logging.getLogger("uploads")


class NoHold:
    """The hold of an upload that can't be resumed: its only holder has it, and there is no record."""

    is_held = False
    offset = 0
    writer: Mapping[str, Any] = {}

    @property
    def ttl(self) -> float:
        return float(conf().upload_state_ttl)

    @property
    def patience(self) -> float:
        return conf().silence / 2

    def is_ours(self) -> bool:
        return True

    def is_anothers(self) -> bool:
        return False

    @contextmanager
    def kept_from_others(self) -> Iterator[bool]:
        yield True

    def keep(self) -> None: ...
    def record_offset(self, offset: int) -> None: ...
    def record_writer(self, state: dict[str, Any]) -> None: ...
    def park(self, offset: int) -> None: ...
    def release(self) -> None: ...
    def forget(self) -> None: ...


NO_HOLD: Final = NoHold()


class StoredHold:
    """A record and its lease in a store. All methods block; an upload continues if its store fails.

    Both in seconds: `ttl` is how long the upload may be parked, `seconds` how long the lease lasts without renewal.
    """

    is_held = True

    def __init__(
        self, store: StateStore, lease: Lease, ttl: float, record: Record, seconds: float = 0, patience: float = 0
    ) -> None:
        self.store, self.lease, self.ttl, self.record = store, lease, ttl, record
        self.seconds = seconds or conf().lease
        self.patience = patience or conf().lease
        self._renewed, self._touched = time.monotonic(), float("-inf")
        self._is_lost = False

    # The lease
    def keep(self) -> None:
        if not self._is_lost and time.monotonic() - self._renewed > self.seconds / 3:
            with_connections(self._keep)
        if self._is_lost:
            raise UploadError("superseded")

    def _keep(self) -> None:
        """A request may last for longer than its record is kept, and a store that fails mustn't stop every write."""
        began = time.monotonic()
        try:
            if began - self._touched > self.ttl / 4:
                self.store.touch(self.lease.upload_id, self.ttl)
                self._touched = began
            self._renew()
        except Exception:  # noqa: BLE001
            self._renewed = time.monotonic()  # not again with the next batch
            logger.warning("could not renew upload lease", exc_info=True)

    def renew(self) -> bool:
        """Extends the record as well. Raises whatever the store does."""
        self.store.touch(self.lease.upload_id, self.ttl)
        return self._renew()

    def lengthen(self, seconds: float) -> bool:
        """From now on the lease lasts for `seconds` without renewal; whether it is ours."""
        self.seconds = seconds
        return self.is_ours()

    def is_ours(self) -> bool:
        try:
            return self._renew()
        except Exception:  # noqa: BLE001  (whatever the store's driver raises)
            logger.warning("could not renew upload lease", exc_info=True)
            return True

    def is_anothers(self) -> bool:
        try:
            return not self.is_ours() and self.store.load(self.lease.upload_id) is not None
        except Exception:  # noqa: BLE001
            logger.warning("could not load upload record", exc_info=True)
            return True

    @contextmanager
    def kept_from_others(self) -> Iterator[bool]:
        if self.is_ours():
            yield True
            return
        lease = self.store.acquire(self.lease.upload_id, f"finishing {uuid4().hex}", self.seconds)
        try:
            yield lease is not None and self.store.load(self.lease.upload_id) is not None
        finally:
            if lease is not None:
                self.store.release(lease)

    def release(self) -> None:
        self._is_lost = True
        try:
            self.store.release(self.lease)
        except Exception:  # noqa: BLE001
            logger.warning("could not release upload lease", exc_info=True)

    def _renew(self) -> bool:
        if self._is_lost:  # or given back: a late renewal would keep others out
            return False
        began = time.monotonic()
        is_ours = self.store.renew(self.lease, self.seconds)
        self._renewed, self._is_lost = began, not is_ours
        return is_ours

    # The record
    @property
    def offset(self) -> int:
        return self.store.get_offset(self.record.id) or 0

    @property
    def writer(self) -> Mapping[str, Any]:
        return self.record.writer

    def record_offset(self, offset: int) -> None:
        try:
            self.store.set_offset(self.record.id, offset)
        except Exception:  # noqa: BLE001
            logger.warning("could not store upload offset", exc_info=True)

    def record_writer(self, state: dict[str, Any]) -> None:
        if self._is_lost:
            return  # it is for the next holder to say
        self.record = replace(self.record, writer=state)
        if len(self.record.to_json()) > MAX_RECORD:
            raise ValueError(f"a writer's resume_state must fit into a record of {MAX_RECORD} bytes")
        try:
            self.store.replace(self.record)
        except Exception:  # noqa: BLE001
            logger.warning("could not store writer state", exc_info=True)

    def update(self, record: Record) -> None:
        """Replaces the record. Raises whatever the store does."""
        self.store.replace(record)
        self.record = record

    # The end
    def park(self, offset: int) -> None:
        self.record_offset(offset)
        self.give_back()

    def give_back(self) -> None:
        """Extends the record and releases the lease; the offset stays as it is."""
        try:
            self.store.touch(self.lease.upload_id, self.ttl)
        except Exception:  # noqa: BLE001
            logger.warning("could not extend upload record", exc_info=True)
        self.release()

    def forget(self) -> None:
        try:
            if self.is_ours():
                self.store.forget(self.lease.upload_id)
        except Exception:  # noqa: BLE001  (it expires)
            logger.warning("could not remove upload record", exc_info=True)


def take(
    store: StateStore, record: Record, holder: str, ttl: float, *, seconds: float = 0, patience: float = 0
) -> StoredHold:
    """The hold on an upload whose record is stored. Raises `UploadError("locked")` while another holder has it."""
    lease = store.acquire(record.id, holder, seconds or conf().lease)
    if lease is None:
        raise UploadError("locked")
    return StoredHold(store, lease, ttl, record, seconds, patience)


def take_again(
    store: StateStore, record: Record, holder: str, ttl: float, *, seconds: float = 0, patience: float = 0
) -> StoredHold:
    """The same of an upload that is resumed: its record may have changed while the lease was another's."""
    taken = take(store, record, holder, ttl, seconds=seconds, patience=patience)
    taken.record = store.load(record.id) or record
    return taken


def record_of(
    entry: Entry, owner: str, page: str, slot: str, folder: str = "", http: Mapping[str, str] | None = None
) -> Record:
    """The record of a page's upload."""
    return Record(
        id=entry.upload.id,
        owner=owner,
        page=page,
        slot=slot,
        name=entry.name,
        size=entry.size,
        client_type=entry.client_type,
        folder=folder,
        http=dict(http or {}),
    )
