"""The tie between an upload that may be resumed and its store."""

from __future__ import annotations

from dataclasses import dataclass

from uploads.conf import conf
from uploads.stores import Lease, StateStore


@dataclass(slots=True)
class Keeper:
    """What holds one upload in its store. All methods block."""

    store: StateStore
    lease: Lease
    ttl: float

    def renew(self) -> bool:
        self.store.touch(self.lease.upload_id, self.ttl)
        return self.store.renew(self.lease, conf().lease)

    def release(self, offset: int) -> None:
        self.store.set_offset(self.lease.upload_id, offset)
        self.store.touch(self.lease.upload_id, self.ttl)
        self.store.release(self.lease)

    def forget(self) -> None:
        self.store.forget(self.lease.upload_id)
