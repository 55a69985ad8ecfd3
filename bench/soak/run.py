"""Visitors, faults, and what is left after them."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Final, TypeVar

from redis.exceptions import RedisError
from websockets.exceptions import WebSocketException

from bench.soak import http_ways, page_ways
from bench.soak.census import Census, census, collect, damaged, strays
from bench.soak.site.server import Server
from liveview.tests.redis import Redis
from uploads.tests.faults import S3Faults, reset
from uploads.tests.http.ways.raw import Wire
from uploads.tests.http.ways.tus import TUS
from uploads.tests.moto import Moto

VISITORS: Final = 6
FAULT_EVERY: Final = 7.0  # seconds from one to the next
AWAY: Final = 2.0  # seconds for which Redis and S3 are
RECORDS_LIVE: Final = 10  # seconds that a parked upload can be resumed
STALE_AFTER: Final = 20  # seconds after which what has no record counts as abandoned
SETTLED_WITHIN: Final = 150.0  # seconds from the last request until nothing may be left
WARM: Final = 4  # rounds of everything before the first count: what it loads is loaded in each process
LOADED: Final = 600  # MiB that the processes may have then
PRUNED_EVERY: Final = 10.0  # seconds between two runs of the command that hosts run by the day
ONCE_WITHIN: Final = 300.0  # seconds more, until everything has been done, and every fault has happened

ACTS: Final = (*http_ways.ACTS, *page_ways.ACTS)

T = TypeVar("T")


def dealt(cards: Sequence[T], chance: random.Random) -> Iterator[T]:
    """All of them, again and again, each time in another order: each has its turn, however short a run is."""
    while True:
        yield from chance.sample(cards, len(cards))


class Soak:
    """Visitors in threads of their own, until `stop`; `done` counts what came to its end, and what a fault stopped.

    stopped: the names of the files whose sending a fault stopped.
    """

    def __init__(self, server: Server, seed: int) -> None:
        self._server, self._over = server, threading.Event()
        self.done: Counter[str] = Counter()
        self.stopped: set[str] = set()
        self.broken: list[BaseException] = []  # what ended a visitor, which nothing may
        self._threads = [threading.Thread(target=self._visit, args=(seed + n,)) for n in range(VISITORS)]
        for thread in self._threads:
            thread.start()

    def never(self) -> list[str]:
        """The acts that haven't been done yet."""
        return [act.__name__ for act in ACTS if not self.done[act.__name__]]

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, seed: int) -> None:
        chance = random.Random(seed)
        for act in dealt(ACTS, chance):
            if self._over.is_set():
                return
            try:
                act(self._server, chance)
            except (OSError, ValueError, KeyError, StopIteration, WebSocketException, HTTPException) as fault:
                self.done[f"{act.__name__}, stopped"] += 1
                self.stopped.add(http_ways.latest())
                self.done[f"{type(fault).__name__}: {str(fault)[:60]}"] += 0  # for whoever looks
                self._over.wait(0.05)
            except BaseException as broken:
                self.broken.append(broken)
                raise
            else:
                self.done[act.__name__] += 1


class Faults:
    """What happens to the processes, Redis and S3, one after the other; everything stands again after each."""

    def __init__(self, server: Server, redis: Redis, s3: S3Faults, chance: random.Random) -> None:
        self._server, self._redis, self._s3, self._chance = server, redis, s3, chance
        self._pause = threading.Event()
        self._all = (self.kill, self.kill, self.end, self.lose_redis, self.lose_s3)
        self._next = dealt(self._all, chance)
        self.done: Counter[str] = Counter()

    def happen(self) -> None:
        fault = next(self._next)
        fault()
        self.done[fault.__name__] += 1

    def kill(self) -> None:
        victim = self._chance.choice(self._server.twins)
        victim.kill()
        victim.start()

    def end(self) -> None:
        victim = self._chance.choice(self._server.twins)
        victim.terminate()
        victim.wait()
        victim.start()

    def lose_redis(self) -> None:
        self._redis.kill()
        self._pause.wait(AWAY)
        self._redis.start()

    def lose_s3(self) -> None:
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE"):
            self._s3.on(method, "", reset)
        self._pause.wait(AWAY)
        self._s3.clear()

    def never(self) -> list[str]:
        """Those that haven't happened yet."""
        return [fault.__name__ for fault in self._all if not self.done[fault.__name__]]

    def during(self, seconds: float, every: float, unfinished: Callable[[], Sequence[str]]) -> Iterator[None]:
        """One now and then, until the time is over and nothing is unfinished; stops there after each."""
        end = time.monotonic() + seconds
        while (late := time.monotonic() - end) < 0 or (late < ONCE_WITHIN and unfinished()):
            self._pause.wait(every)
            self.happen()
            yield


def settled(server: Server, redis: Redis, before: Census) -> list[str]:
    """Waits until nothing is left that wasn't there before; what still is when the time is over."""
    end, pause, pruned = time.monotonic() + SETTLED_WITHIN, threading.Event(), 0.0
    while True:
        _look_in(server)
        if time.monotonic() > pruned + PRUNED_EVERY:
            server.manage("uploads_prune")
            server.manage("clearsessions")
            pruned = time.monotonic()
        try:
            found = census(server, redis, server.s3).grown_since(before)
        except (OSError, RedisError) as failed:
            found = [str(failed)]
        if not found or time.monotonic() > end:
            return found
        pause.wait(1)


def errors(server: Server) -> list[str]:
    """What the processes have logged that nothing a visitor or a fault does may cause."""
    found: Counter[str] = Counter()
    for each in (server, *server.twins):
        for line in each.log_text().splitlines():
            if any(words in line for words in ("Internal Server Error", "Exception inside application")):
                found[line.partition("ERROR")[2].strip()] += 1
    return [f"{count} times in the log: {line}" for line, count in found.items()]


def _look_in(server: Server) -> None:
    """A visit to each process, as the pools' threads and the janitor are there only once somebody has come."""
    for port in server.ports:
        with contextlib.suppress(OSError), Wire(port) as wire:
            wire.ask("OPTIONS", "/tus/", TUS)


def soak(
    folder: Path,
    minutes: float,
    seed: int = 1,
    *,
    warm: int = WARM,
    fault_every: float = FAULT_EVERY,
) -> list[str]:
    """What was wrong, in words.

    minutes: at least; it goes on until everything has been done, and every fault has happened.
    warm: times that everything is done before the first count. Without a fault, nothing may be left of that either;
        after a single time, that is only told together with what comes then.
    fault_every: seconds.
    """
    chance = random.Random(seed)
    with (
        Redis(folder) as redis,
        Moto(folder) as s3,
        S3Faults(s3.url) as failing,
        Server(
            folder,
            s3,
            failing.url,
            processes=3,
            redis_url=redis.url,
            UPLOAD_STATE_STORE="redis",
            UPLOAD_STATE_TTL=RECORDS_LIVE,
            STALE_AFTER=STALE_AFTER,
        ) as server,
    ):
        for act in ACTS * warm:
            act(server, chance)
        wrong = collect(server, s3)
        if warm > 1:
            wrong += settled(server, redis, replace(Census(), memory=LOADED))
        grown = census(server, redis, s3)
        before = Census(threads=grown.threads, descriptors=grown.descriptors, memory=min(grown.memory, LOADED))
        visitors, faults = Soak(server, seed), Faults(server, redis, failing, chance)
        for _ in faults.during(minutes * 60, fault_every, lambda: [*visitors.never(), *faults.never()]):
            wrong += collect(server, s3)
        visitors.stop()
        # A process that is killed between S3's last word and the application's first leaves an object that nobody
        # knows.
        unknown = [key for key in strays(server, s3) if key.rpartition("/")[2] in visitors.stopped]
        spared = replace(before, objects=before.objects + len(unknown))
        wrong += [*damaged(server, s3), *settled(server, redis, spared), *errors(server), *map(repr, visitors.broken)]
        kept = len(list((folder / "kept").glob("*.json")))
        print(f"{minutes} minutes, {kept} files kept, faults: {dict(faults.done)}\ndone: {dict(visitors.done)}")
        print(f"before {before}\nafter  {census(server, redis, s3)}")
        print("objects that nobody has kept:", strays(server, s3))
    return [*wrong, *(f"{name}: never once done" for name in [*visitors.never(), *faults.never()])]
