"""What all processes of a site have of something, counted in Redis: looked at and added to in one step.

An *account* holds items, each with an amount: a visitor's uploads with their bytes, a disk's with the bytes that it has
yet to take. An item is held by its process, which says every minute that it still has it, or is parked for so many
seconds: whatever becomes of a process, what it had is given back. A Redis that has lost everything is told again.

What the parts of a chunk do is only remembered here, and told to Redis now and then by a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

from liveview.process import here
from uploads.stores.choice import site_redis_url

logger = logging.getLogger("uploads")

LIFE: Final = 180.0  # seconds until what a process had that gives no sign of life counts no more
RENEW_EVERY: Final = 60.0  # seconds
TELL_AFTER: Final = 0.25  # seconds for which changes are collected
AWAY: Final = 5.0  # seconds until a Redis that didn't answer is asked again
TIMEOUT: Final = 1.0  # seconds for an answer
REMEMBERED: Final = 3600.0  # seconds for which a change that was made isn't made again
AT_ONCE: Final = 1000  # questions in one go, or items in one question
MOST_UNTOLD: Final = 100_000  # changes that wait while Redis is away

# An account is a hash of "amount holder" by item, with the sum of the amounts, and a sorted set of the items' ends.
_LUA: Final = """
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function read(account, item)
  local found = redis.call('hget', account, item)
  if not found then return nil, '' end
  local at = string.find(found, ' ')
  return tonumber(string.sub(found, 1, at - 1)), string.sub(found, at + 1)
end
local function drop(account, ends, item)
  local amount = read(account, item)
  if amount then
    redis.call('hdel', account, item)
    redis.call('hincrby', account, 'sum', string.format('%.0f', 0 - amount))  -- which is never "-0"
  end
  redis.call('zrem', ends, item)
end
local function sweep(account, ends)
  for _, item in ipairs(redis.call('zrangebyscore', ends, '-inf', now)) do drop(account, ends, item) end
end
local function put(account, ends, item, amount, holder, life)
  local before = read(account, item) or 0
  redis.call('hset', account, item, string.format('%.0f', amount) .. ' ' .. holder)
  redis.call('hincrby', account, 'sum', string.format('%.0f', amount - before))
  redis.call('zadd', ends, now + life, item)
  for _, key in ipairs({account, ends}) do
    if redis.call('pttl', key) < life then redis.call('pexpire', key, life) end
  end
end
"""
# holder, life; then for each pair of keys: item, amount, most, most items (-1: any)
_TAKE: Final = """
local sums = {}
for i = 1, #KEYS / 2 do
  local account, ends, at = KEYS[2 * i - 1], KEYS[2 * i], 4 * i - 1
  sweep(account, ends)
  local before = read(account, ARGV[at])
  local amount, most, items = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local sum = tonumber(redis.call('hget', account, 'sum') or '0') - (before or 0) + amount
  local count = redis.call('zcard', ends) + (before and 0 or 1)
  if (most >= 0 and sum > most) or (items >= 0 and count > items) then return {} end
  sums[i] = string.format('%.0f', sum)
end
for i = 1, #KEYS / 2 do
  local at = 4 * i - 1
  put(KEYS[2 * i - 1], KEYS[2 * i], ARGV[at], tonumber(ARGV[at + 1]), ARGV[1], tonumber(ARGV[2]))
end
return sums
"""
# holder, life; then for each item: item, amount. What another process holds by now stays its
_SET: Final = """
for at = 3, #ARGV, 2 do
  local _, holder = read(KEYS[1], ARGV[at])
  if holder == '' or holder == ARGV[1] then
    put(KEYS[1], KEYS[2], ARGV[at], tonumber(ARGV[at + 1]), ARGV[1], tonumber(ARGV[2]))
  end
end
"""
_PARK: Final = """
local _, holder = read(KEYS[1], ARGV[3])
if holder == '' or holder == ARGV[1] then
  put(KEYS[1], KEYS[2], ARGV[3], tonumber(ARGV[4]), '', tonumber(ARGV[2]))
end
"""
# With a third key: the number of the process's last change. Its number, and for how long to remember it, come last
_CHANGE: Final = """
if tonumber(ARGV[3]) <= tonumber(redis.call('get', KEYS[3]) or '0') then return end
redis.call('set', KEYS[3], ARGV[3], 'PX', ARGV[4])
local amount, holder = read(KEYS[1], ARGV[1])
if amount then
  local left = math.max(0, amount + tonumber(ARGV[2]))
  redis.call('hset', KEYS[1], ARGV[1], string.format('%.0f', left) .. ' ' .. holder)
  redis.call('hincrby', KEYS[1], 'sum', string.format('%.0f', left - amount))
end
"""
_DROP: Final = """
local _, holder = read(KEYS[1], ARGV[2])
if (holder == '' and ARGV[3] == '1') or holder == ARGV[1] then drop(KEYS[1], KEYS[2], ARGV[2]) end
"""
# A token bucket as one number: when it will be full again (the generic cell rate algorithm). interval, burst; both ms.
# With the name of the question that has changed it last, which may come again
_PACE: Final = """
local found = redis.call('get', KEYS[1]) or '0 '
local at = string.find(found, ' ')
if string.sub(found, at + 1) == ARGV[3] then return 1 end
local full = math.max(now, tonumber(string.sub(found, 1, at - 1))) + tonumber(ARGV[1])
if full - now > tonumber(ARGV[2]) then return 0 end
redis.call('set', KEYS[1], string.format('%.0f', full) .. ' ' .. ARGV[3], 'PX', math.ceil(full - now))
return 1
"""

_SCRIPTS: Final = {
    script: hashlib.sha1((_LUA + script).encode(), usedforsecurity=False).hexdigest()
    for script in (_TAKE, _SET, _PARK, _CHANGE, _DROP, _PACE)
}  # by what is particular to each
Command = tuple[str, list[str], list[Any]]  # a script, its keys and its arguments


@dataclass(frozen=True, slots=True)
class Claim:
    """`amount` for an item of an account, of which there may be `most` in all, and so many items."""

    account: str
    item: str
    amount: int
    most: float = math.inf
    most_items: float = math.inf


class Refused(Exception):
    """There is not so much left."""


class Counts:
    """Those in one Redis, as this process takes part in them. May be used in any thread.

    `take` and `pace` block; nothing else does. What Redis is told twice, as an answer was lost, counts once.
    Accounts that are claimed together have one word in braces.
    """

    def __init__(self, url: str) -> None:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._redis: Any = Redis.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 1)
        )
        self._holder = secrets.token_hex(8)
        self._held: defaultdict[str, dict[str, int]] = defaultdict(dict)  # what this process has: amounts by account
        self._changed: set[tuple[str, str]] = set()
        self._untold: list[Command] = []
        self._changes_made = 0
        self._away_until = 0.0
        self._is_failing = False
        self._lock = threading.Lock()  # of what is above; never held while Redis is asked
        self._turn = threading.Lock()  # to tell Redis of changes, in their order
        self._news = threading.Event()
        self._ends = False
        self._thread: threading.Thread | None = None

    @property
    def is_away(self) -> bool:
        """Whether it didn't answer a moment ago."""
        return time.monotonic() < self._away_until

    def take(self, claims: Sequence[Claim]) -> list[int] | None:
        """Adds all claims, or none: the sums of their accounts. None if Redis is away. Raises `Refused`."""
        keys = [key for claim in claims for key in _keys(claim.account)]
        given: list[Any] = [self._holder, _ms(LIFE)]
        for claim in claims:
            given += [claim.item, claim.amount, _most(claim.most), _most(claim.most_items)]
        with self._lock:
            for claim in claims:
                self._held[claim.account][claim.item] = claim.amount
        sums = self._tell((_TAKE, keys, given))
        if sums == []:
            with self._lock:
                for claim in claims:
                    self._forget(claim.account, claim.item)
            raise Refused
        self._work()
        return None if sums is None else [int(each) for each in sums]

    def hold(self, account: str, item: str, amount: int) -> None:
        """It has so much now, whatever others have."""
        with self._lock:
            self._held[account][item] = amount
            self._changed.add((account, item))
        self._tell_soon()

    def change(self, account: str, item: str, by: int) -> None:
        with self._lock:
            held = self._held.get(account, {})
            if item in held:
                held[item] = max(0, held[item] + by)
                self._changed.add((account, item))
            else:
                self._changes_made += 1
                keys = [*_keys(account), f"upload-counts:{account}:told:{self._holder}"]
                self._untold.append((_CHANGE, keys, [item, by, self._changes_made, _ms(REMEMBERED)]))
        self._tell_soon()

    def park(self, account: str, item: str, amount: int, seconds: float) -> None:
        """It counts for so long, if no other process has taken it meanwhile."""
        with self._lock:
            self._forget(account, item)
            self._untold.append((_PARK, _keys(account), [self._holder, _ms(seconds), item, amount]))
        self._tell_soon()

    def drop(self, account: str, item: str, *, parked: bool = True) -> None:
        """It counts no more, unless another process has taken it meanwhile. parked: one that is parked neither."""
        with self._lock:
            self._forget(account, item)
            self._untold.append((_DROP, _keys(account), [self._holder, item, int(parked)]))
        self._tell_soon()

    def pace(self, key: str, rate: float, burst: float) -> bool | None:
        """Whether there may be one more, of `rate` a second and `burst` at once. None if Redis is away."""
        interval = 1000 / rate
        found = self._ask([(_PACE, [f"upload-paces:{key}"], [interval, burst * interval, secrets.token_hex(8)])])
        return None if found is None else bool(found[-1])

    def close(self) -> None:
        """Tells what is still to be told."""
        self._ends = True
        self._news.set()
        self._tell()

    # With the lock held
    def _forget(self, account: str, item: str) -> None:
        held = self._held.get(account, {})
        held.pop(item, None)
        if not held:
            self._held.pop(account, None)
        self._changed.discard((account, item))

    def _changes(self) -> list[Command]:
        commands, self._untold = self._untold, []
        amounts: defaultdict[str, list[Any]] = defaultdict(list)  # item, amount, item, amount, …
        for account, item in self._changed:
            amounts[account] += [item, self._held[account][item]]
        self._changed.clear()
        for account, pairs in amounts.items():
            for at in range(0, len(pairs), 2 * AT_ONCE):
                commands.append((_SET, _keys(account), [self._holder, _ms(LIFE), *pairs[at : at + 2 * AT_ONCE]]))
        return commands

    # In threads
    def _tell(self, *then: Command) -> Any:
        """What has changed, and then that; the answer to the last. None if Redis is away."""
        with self._turn:
            with self._lock:
                commands = self._changes()
            found = self._ask([*commands, *then]) if commands or then else []
            if found is None:
                with self._lock:
                    self._untold = [*commands, *self._untold] if len(commands) < MOST_UNTOLD else []
                return None
            return found[-1] if found else None

    def _ask(self, commands: Sequence[Command]) -> list[Any] | None:
        if self.is_away:
            return None
        try:
            found = self._run(commands)
        except Exception as failure:  # noqa: BLE001  (whatever the driver raises)
            self._away_until = time.monotonic() + AWAY
            if not self._is_failing:
                logger.warning(
                    "Redis is unavailable (%s): each process counts quotas for itself", type(failure).__name__
                )
            self._is_failing = True
            return None
        if self._is_failing:
            self._is_failing = False
            self._renew_soon()
        return found

    def _run(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to all. Where a script isn't known, as after a start, none of that part was done."""
        from redis.exceptions import NoScriptError

        found: list[Any] = []
        for at in range(0, len(commands), AT_ONCE):
            part = commands[at : at + AT_ONCE]
            try:
                found += self._send(part)
            except NoScriptError:
                for script in _SCRIPTS:
                    self._redis.script_load(_LUA + script)
                found += self._send(part)
        return found

    def _send(self, commands: Sequence[Command]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipe:
            for script, keys, given in commands:
                pipe.evalsha(_SCRIPTS[script], len(keys), *keys, *given)
            found: list[Any] = pipe.execute()
            return found

    def _renew_soon(self) -> None:
        """It may have lost everything."""
        with self._lock:
            self._changed.update((account, item) for account, held in self._held.items() for item in held)
        self._news.set()

    def _tell_soon(self) -> None:
        self._news.set()
        self._work()

    def _work(self) -> None:
        if self._thread is None and not self._ends:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._keep, name="uploads-counts", daemon=True)
                    self._thread.start()

    def _keep(self) -> None:
        renewed = time.monotonic()
        while not self._ends:
            self._news.wait(max(0.0, renewed + RENEW_EVERY - time.monotonic()))
            time.sleep(TELL_AFTER)
            self._news.clear()
            if self.is_away:
                time.sleep(AWAY / 5)
                self._news.set()
                continue
            if time.monotonic() >= renewed + RENEW_EVERY:
                renewed = time.monotonic()
                self._renew_soon()
            with contextlib.suppress(RuntimeError):  # the process ends
                self._tell()


class AllCounts:
    """By address."""

    def __init__(self) -> None:
        self._counts: dict[str, Counts] = {}
        self._lock = threading.Lock()

    def get(self, url: str) -> Counts:
        with self._lock:
            if url not in self._counts:
                self._counts[url] = Counts(url)
            return self._counts[url]

    def close(self) -> None:
        for counts in self._counts.values():
            counts.close()


def site_counts() -> Counts | None:
    """Those in the site's Redis, if it has one."""
    url = site_redis_url()
    return here(AllCounts).get(url) if url and _has_driver() else None


def name_of(whose: str) -> str:
    """A name for an account that says nothing of who it is."""
    return hashlib.sha256(whose.encode()).hexdigest()[:32]


@cache
def _has_driver() -> bool:
    return find_spec("redis") is not None


def _keys(account: str) -> list[str]:
    return [f"upload-counts:{account}", f"upload-counts:{account}:ends"]


def _most(number: float) -> int:
    return -1 if number == math.inf else max(0, math.floor(number))


def _ms(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1000))
