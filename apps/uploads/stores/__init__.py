"""What outlives a socket: who sends what, and who may write. Where the bytes end is measured, not remembered.

A store is chosen per slot (`resumable_store`) or by the setting `UPLOADS["UPLOAD_STATE_STORE"]`; without either it is
the database, or Redis where the site has one.
"""

from __future__ import annotations

from uploads.stores.base import Lease, Record, StateStore, UploadStateStore
from uploads.stores.choice import get_store
from uploads.stores.database import DatabaseUploadState
from uploads.stores.memory import InMemoryUploadState
from uploads.stores.redis import RedisUploadState

__all__ = [
    "DatabaseUploadState",
    "InMemoryUploadState",
    "Lease",
    "Record",
    "RedisUploadState",
    "StateStore",
    "UploadStateStore",
    "get_store",
]
