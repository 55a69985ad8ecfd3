"""The tie between an upload that may be resumed and its store."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from uploads.conf import conf
from uploads.stores import Lease, Record, StateStore
from uploads.stores.base import MAX_RECORD

logger = logging.getLogger("uploads")


@dataclass(slots=True)
class Keeper:
    """What holds one upload in its store. All methods block."""

    store: StateStore
    lease: Lease
    ttl: float
    record: Record

    def renew(self) -> bool:
        self.store.touch(self.lease.upload_id, self.ttl)
        return self.store.renew(self.lease, conf().lease)

    def is_ours(self) -> bool:
        """Whether nobody else has gone on with it. An upload goes on without its store."""
        try:
            return self.store.renew(self.lease, conf().lease)
        except Exception:  # noqa: BLE001  (whatever the store's driver raises)
            logger.warning("could not renew a lease", exc_info=True)
            return True

    def is_anothers(self) -> bool:
        """Whether somebody else has gone on with it; not if only its record has gone."""
        try:
            return not self.is_ours() and self.store.load(self.lease.upload_id) is not None
        except Exception:  # noqa: BLE001
            logger.warning("could not look up an upload", exc_info=True)
            return True

    def release(self, offset: int) -> None:
        self.record_offset(offset)
        try:
            self.store.touch(self.lease.upload_id, self.ttl)
            self.store.release(self.lease)
        except Exception:  # noqa: BLE001
            logger.warning("could not release a lease", exc_info=True)

    @property
    def offset(self) -> int:
        """The bytes that were confirmed, for a writer which doesn't know itself."""
        return self.store.get_offset(self.record.id) or 0

    def record_offset(self, offset: int) -> None:
        """So many bytes are confirmed. An upload goes on without its store."""
        try:
            self.store.set_offset(self.record.id, offset)
        except Exception:  # noqa: BLE001  (whatever the store's driver raises)
            logger.warning("could not keep the offset of an upload", exc_info=True)

    def record_writer(self, state: dict[str, Any]) -> None:
        """What a writer needs to go on elsewhere. Raises `ValueError` if it is no JSON, or too much."""
        self.record = replace(self.record, writer=state)
        if len(self.record.to_json()) > MAX_RECORD:
            raise ValueError(f"a writer's resume_state must fit into a record of {MAX_RECORD} bytes")
        try:
            self.store.replace(self.record)
        except Exception:  # noqa: BLE001
            logger.warning("could not keep the state of a writer", exc_info=True)

    def forget(self) -> None:
        """Unless somebody else has gone on with it."""
        if self.is_ours():
            self.store.forget(self.lease.upload_id)
