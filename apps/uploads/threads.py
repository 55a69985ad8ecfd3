"""Threads for uploads, apart from those of the handlers: five hundred photos being checked must not delay a click."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from liveview.process import here
from liveview.threads import with_connections
from uploads.conf import conf

T = TypeVar("T")

QUICK: Final = 8  # calls that ask a store or the database which may run at the same time


class Pools:
    """The pools of this process, whose threads start when there is work for them."""

    def __init__(self) -> None:
        limits = conf()
        self.writers = ThreadPoolExecutor(limits.io_threads, thread_name_prefix="uploads-write")
        self.checkers = ThreadPoolExecutor(QUICK, thread_name_prefix="uploads-check")
        self.judges = ThreadPoolExecutor(limits.check_threads, thread_name_prefix="uploads-judge")
        self.remotes = ThreadPoolExecutor(limits.writer_threads, thread_name_prefix="uploads-remote")
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def share(self, visitor: str) -> asyncio.Semaphore:
        """A visitor's share of the judges: half of them."""
        share = self._shares.get(visitor)
        if share is None:
            share = self._shares[visitor] = asyncio.Semaphore(max(1, conf().check_threads // 2))
        return share

    def close(self) -> None:
        for pool in (self.writers, self.checkers, self.judges, self.remotes):
            pool.shutdown(wait=False)


async def write(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that does file work."""
    return await asyncio.get_running_loop().run_in_executor(here(Pools).writers, function)


async def check(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that may ask the database."""
    return await asyncio.get_running_loop().run_in_executor(here(Pools).checkers, with_connections, function)


async def remote(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that may wait for a slot's writer or external storage."""
    return await asyncio.get_running_loop().run_in_executor(here(Pools).remotes, with_connections, function)


async def judge(function: Callable[[], T], visitor: str) -> T:
    """The result of `function`, called in a thread that may look at a whole file.

    A visitor has half of those threads at most: what they send never keeps others waiting for their turn.
    """
    pools = here(Pools)
    share = pools.share(visitor)
    await share.acquire()
    work = asyncio.get_running_loop().run_in_executor(pools.judges, with_connections, function)
    work.add_done_callback(lambda _: share.release())  # only then, even if nobody waits for it any more
    return await asyncio.shield(work)


async def handed_over(
    thread: Callable[[Callable[[], T]], Awaitable[T]], make: Callable[[], T], give_back: Callable[[T], object]
) -> T:
    """What `make` makes in a thread. If nobody waits for it any more, `give_back` gets it there: nothing leaks."""
    made: list[T] = []
    is_wanted, lock = True, threading.Lock()

    def call() -> T:
        result = make()
        with lock:
            if is_wanted:
                made.append(result)
                return result
        give_back(result)
        return result

    try:
        return await thread(call)
    except asyncio.CancelledError:
        with lock:
            is_wanted = False
        for result in made:
            await asyncio.shield(thread(partial(_give_back, give_back, result)))
        raise


def _give_back(give_back: Callable[[T], object], result: T) -> T:
    give_back(result)
    return result


class _Unfinished:
    """What runs on without whoever began it; kept, as the event loop would lose it."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Future[Any]] = set()


async def to_the_end(work: Awaitable[T]) -> T:
    """Waits for `work`, which comes to its end even if nobody waits any more."""
    task, unfinished = asyncio.ensure_future(work), here(_Unfinished).tasks
    unfinished.add(task)
    task.add_done_callback(unfinished.discard)
    return await asyncio.shield(task)


def checking(*, is_remote: bool) -> Callable[[Callable[[], T]], Awaitable[T]]:
    """Where to work on an upload: a slow storage must not hold up uploads that need none."""
    return remote if is_remote else check
