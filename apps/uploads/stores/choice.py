"""Which store a slot uses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from liveview.process import here
from uploads.conf import conf
from uploads.stores.base import StateStore, UploadStateStore
from uploads.stores.custom import CustomStore
from uploads.stores.database import DatabaseUploadState
from uploads.stores.memory import InMemoryUploadState
from uploads.stores.redis import RedisUploadState

NAMES = {
    "database": "uploads.stores.DatabaseUploadState",
    "memory": "uploads.stores.InMemoryUploadState",
    "redis": "uploads.stores.RedisUploadState",
}


class Stores:
    """The stores this process has made, each once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], StateStore] = {}
        self._lock = threading.Lock()

    def made(self) -> list[StateStore]:
        with self._lock:
            return list(self._made.values())

    def get(self, key: tuple[str, str], make: Callable[[], StateStore]) -> StateStore:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]


def get_store(store: Any = None, options: dict[str, Any] | None = None) -> StateStore:
    """The store for a slot's `resumable_store` and `resumable_store_options`; made once for each combination.

    `store` is a name (`"database"`, `"redis"`, `"memory"`), a dotted path, a class or an instance; None is the site's
    own. Options are the store's, with `redis_url` for Redis and `ttl` (seconds) for the slot.
    """
    store = store or conf().upload_state_store or ("redis" if _redis_url(options) else "database")
    if not isinstance(store, str | type):
        return _complete(store)
    path = NAMES.get(store, store) if isinstance(store, str) else f"{store.__module__}.{store.__qualname__}"
    given = {key: value for key, value in (options or {}).items() if key != "ttl"}
    key = path, repr(sorted(given.items()))
    return here(Stores).get(key, lambda: _make(store if isinstance(store, type) else import_string(path), given))


def expect_store(store: str) -> None:
    """Raises `ImproperlyConfigured` unless it is a store's name or the dotted path of a class. Makes no store."""
    try:
        kind = import_string(NAMES.get(store, store))
    except ImportError:
        kind = None
    if not isinstance(kind, type):
        raise ImproperlyConfigured(f"there is no store {store!r}")
    if issubclass(kind, RedisUploadState) and not _redis_url(None):
        raise ImproperlyConfigured("Redis has no address: set UPLOADS['UPLOAD_STATE_REDIS_URL'], or REDIS_URL")


def _make(kind: type[Any], options: dict[str, Any]) -> StateStore:
    if issubclass(kind, RedisUploadState):
        url = _redis_url(options)
        return kind(url, **{key: value for key, value in options.items() if key != "redis_url"})
    return _complete(kind(**options))


def _complete(store: Any) -> StateStore:
    """A custom store needs only three methods: the database keeps the rest."""
    if isinstance(store, DatabaseUploadState | InMemoryUploadState | RedisUploadState | CustomStore):
        return store
    if isinstance(store, UploadStateStore) or not hasattr(store, "acquire"):
        return CustomStore(store, DatabaseUploadState())
    complete: StateStore = store
    return complete


def site_redis_url() -> str:
    """Where the site has one; empty without."""
    return str(conf().upload_state_redis_url or getattr(settings, "REDIS_URL", ""))


def _redis_url(options: dict[str, Any] | None) -> str:
    return str((options or {}).get("redis_url") or site_redis_url())
