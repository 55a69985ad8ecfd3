"""State in Redis: shared by every process, and no load on the database."""

from __future__ import annotations

from typing import Any, Final

from uploads.stores.base import Lease, Record, translated

# A lease is a key of its own that expires by itself; the token only ever grows, and lives with the record.
_ACQUIRE: Final = """
if redis.call('exists', KEYS[1]) == 0 then return 0 end
local holder = redis.call('get', KEYS[2])
if holder and string.sub(holder, string.find(holder, ' ') + 1) ~= ARGV[1] then return 0 end
local token = redis.call('hincrby', KEYS[1], 'token', 1)
redis.call('set', KEYS[2], token .. ' ' .. ARGV[1], 'PX', ARGV[2])
return token
"""
_RENEW: Final = """
if redis.call('hget', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[2], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1
"""
_RELEASE: Final = """
if redis.call('hget', KEYS[1], 'token') == ARGV[1] then redis.call('del', KEYS[2]) end
return 1
"""
_SET_OFFSET: Final = """
if redis.call('exists', KEYS[1]) == 1 then redis.call('hset', KEYS[1], 'offset', ARGV[1]) end
return 1
"""
_REPLACE: Final = """
if redis.call('exists', KEYS[1]) == 1 then redis.call('hset', KEYS[1], 'record', ARGV[1]) end
return 1
"""


@translated
class RedisUploadState:
    """`url` is redis-py's; other options go to its client."""

    def __init__(self, url: str, **options: Any) -> None:
        from redis import Redis

        self._redis: Any = Redis.from_url(url, **options)

    def save(self, record: Record, ttl: float) -> None:
        with self._redis.pipeline() as pipe:
            pipe.hset(_key(record.id), mapping={"record": record.to_json(), "offset": 0})
            pipe.pexpire(_key(record.id), _ms(ttl))
            pipe.execute()

    def replace(self, record: Record) -> None:
        self._run(_REPLACE, record.id, record.to_json())

    def load(self, upload_id: str) -> Record | None:
        text = self._redis.hget(_key(upload_id), "record")
        return Record.from_json(text) if text is not None else None

    def touch(self, upload_id: str, ttl: float) -> None:
        self._redis.pexpire(_key(upload_id), _ms(ttl))

    def forget(self, upload_id: str) -> None:
        self._redis.delete(_key(upload_id), _lease(upload_id))

    def acquire(self, upload_id: str, holder: str, seconds: float) -> Lease | None:
        token = self._run(_ACQUIRE, upload_id, holder, _ms(seconds))
        return Lease(upload_id, holder, token) if token else None

    def renew(self, lease: Lease, seconds: float) -> bool:
        return bool(self._run(_RENEW, lease.upload_id, lease.token, lease.holder, _ms(seconds)))

    def release(self, lease: Lease) -> None:
        self._run(_RELEASE, lease.upload_id, lease.token)

    def prune(self) -> int:
        return 0  # keys expire by themselves

    def get_offset(self, upload_id: str) -> int | None:
        offset = self._redis.hget(_key(upload_id), "offset")
        return int(offset) if offset is not None else None

    def set_offset(self, upload_id: str, offset: int) -> None:
        self._run(_SET_OFFSET, upload_id, offset)

    clear_offset = forget

    def _run(self, script: str, upload_id: str, *arguments: Any) -> int:
        return int(self._redis.eval(script, 2, _key(upload_id), _lease(upload_id), *arguments))


def _key(upload_id: str) -> str:
    return f"uploads:{{{upload_id}}}"  # the braces keep both keys in one slot of a cluster


def _lease(upload_id: str) -> str:
    return f"uploads:{{{upload_id}}}:lease"


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
