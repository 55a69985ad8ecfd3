"""What the processes of a site share by Django's cache: plain data, signed, and never unpickled from a Redis.

Django's cache pickles. Whoever may write to such a cache runs code in every process that reads from it, and a Redis
may be a host's, on a network, or behind a certificate that nobody checks. So here values are JSON with a signature of
`SECRET_KEY`, made for their key. Anything else that is found, an earlier version's pickle included, counts as absent.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.conf import settings
from django.core.cache import CacheHandler, cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache
from django.core.signals import setting_changed
from django.core.signing import BadSignature, Signer
from django.utils.module_loading import import_string

from liveview.core import plain

_DJANGO_REDIS: Final = "django_redis."  # another library for the same


def get(key: str) -> Any:
    """None if there is nothing, or nothing of ours. Raises whatever the cache's driver does."""
    found = _cache().get(key)
    if not isinstance(found, str):
        return None
    try:
        return plain.loads(_signer(key).unsign(found))
    except (BadSignature, ValueError):
        return None


def put(key: str, value: Any, seconds: float) -> None:
    """`value` is plain data; it is forgotten after so many seconds."""
    _cache().set(key, _signer(key).sign(plain.dumps(value)), seconds)


def add(key: str, value: Any, seconds: float) -> bool:
    """As `put`, unless there is something already: False then."""
    return bool(_cache().add(key, _signer(key).sign(plain.dumps(value)), seconds))


def touch(key: str, seconds: float) -> None:
    _cache().touch(key, seconds)


def forget(key: str) -> None:
    _cache().delete(key)


class Text:
    """What Django's Redis cache, and django-redis, take as their serializer: texts alone."""

    def __init__(self, options: object = None) -> None: ...

    def dumps(self, value: str) -> bytes:
        return value.encode()

    def loads(self, data: bytes) -> str:
        return data.decode("utf-8", "replace")


class _Caches(CacheHandler):
    """The project's caches once more, without their pickling."""

    def create_connection(self, alias: str) -> BaseCache:
        given = self.settings[alias]
        name = "SERIALIZER" if given["BACKEND"].startswith(_DJANGO_REDIS) else "serializer"
        serializer = f"{__name__}.{Text.__name__}"
        options = given.get("OPTIONS", {}) | {name: serializer}
        params = {key: value for key, value in given.items() if key not in ("BACKEND", "LOCATION")}
        backend = import_string(given["BACKEND"])
        made: BaseCache = backend(given.get("LOCATION", ""), params | {"OPTIONS": options})
        return made


class _Shared:
    @cached_property
    def is_redis(self) -> bool:
        backend: str = settings.CACHES["default"]["BACKEND"]
        return backend.startswith(_DJANGO_REDIS) or issubclass(import_string(backend), RedisCache)

    @cached_property
    def caches(self) -> _Caches:
        return _Caches()


_shared = _Shared()


def _cache() -> BaseCache:
    """Others than Redis are as much the site's own as its database and its disk are."""
    if not _shared.is_redis:
        return cache
    found: BaseCache = _shared.caches["default"]
    return found


def _signer(key: str) -> Signer:
    return Signer(salt=f"liveview.shared_cache:{key}")


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "CACHES":
        vars(_shared).clear()


setting_changed.connect(_forget)
