"""Where data is: SQLite or PostgreSQL, and Redis for what several processes share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

from config.env import env


def database(data_dir: Path) -> dict[str, Any]:
    """`DATABASES["default"]`, from `DATABASE_URL`."""
    default = _parse_database(f"sqlite:///{data_dir / 'site.sqlite3'}")
    if default["ENGINE"] == "django.db.backends.sqlite3":
        default["OPTIONS"] = {
            # Readers never wait for the one writer, and a writer that must wait does so at BEGIN, where waiting works.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        }
        # Handlers run in threads of their own: a test database in memory would be another one in each of them.
        default["TEST"] = {"NAME": str(data_dir / "test.sqlite3")}
    elif default["ENGINE"] == "django.db.backends.postgresql":
        most = env.number("DATABASE_POOL", default=0)
        if most:  # connections that one process may have, where the database allows only a few
            default.setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": most, "timeout": 30}
    return default


def _parse_database(default: str) -> dict[str, Any]:
    """Says nothing of what the variable holds, which may be a password."""
    scheme = env.str("DATABASE_URL", default=default).partition("://")[0]
    try:
        found: dict[str, Any] = env.db("DATABASE_URL", default=default) if scheme in env.DB_SCHEMES else {}
    except ValueError:  # a port that is no number
        found = {}
    if not found.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL has to be an address such as postgres://user:password@host:5432/name, or sqlite:////path/to/file."
        )
    return found


def jobs(database: dict[str, Any]) -> str:
    """`JOBS`: "threads" of the web process, or "procrastinate", workers that the Procfile's `worker` line starts."""
    found = env.choice("JOBS", ("threads", "procrastinate"), default="threads")
    if found == "procrastinate" and database["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            "JOBS=procrastinate needs a DATABASE_URL such as postgres://user:password@host:5432/name: jobs wait there."
        )
    return found


def redis_url() -> str:
    """`REDIS_URL`; with `REDIS_SELF_SIGNED=1`, as Heroku needs it, one whose certificate isn't asked for."""
    url: str = env.str("REDIS_URL", default="")
    is_self_signed = env.flag("REDIS_SELF_SIGNED")
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured("REDIS_URL has to be an address such as redis://:password@host:6379/0.")
    if not url.startswith("rediss://") or not is_self_signed:
        return url
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | {"ssl_cert_reqs": "none", "ssl_check_hostname": "false"}
    return urlunsplit(parts._replace(query=urlencode(query)))


def channel_layers(redis: str) -> dict[str, Any]:
    if not redis:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    # redis-py 8 closes idle connections after 5 s, and with them every quiet WebSocket, unless told not to.
    host = {"address": redis, "socket_timeout": None}
    return {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [host]}}}


def caches(redis: str) -> dict[str, Any]:
    if not redis:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    own = {"serializer": f"{__name__}.{JsonSerializer.__name__}"}
    return {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis, "OPTIONS": own}}


class JsonSerializer:
    """For Django's Redis cache, which would pickle: anyone who can write there could run code here."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError:
            return None
