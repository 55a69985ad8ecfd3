"""Threads for uploads, apart from those of the handlers: five hundred photos being checked must not delay a click."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from django.db import connections

from liveview.process import here
from liveview.threads import charged, in_language, with_connections
from uploads.conf import conf

T = TypeVar("T")

QUICK: Final = 8  # calls that ask a store or the database which may run at the same time
RESTING: Final = 60  # judges that may wait for a child, beside those that are at work


class Pools:
    """The pools of this process, whose threads start when there is work for them."""

    def __init__(self) -> None:
        limits = conf()
        self.writers = ThreadPoolExecutor(limits.io_threads, thread_name_prefix="uploads-write")
        self.checkers = ThreadPoolExecutor(QUICK, thread_name_prefix="uploads-check")
        self.judges = ThreadPoolExecutor(limits.check_threads + RESTING, thread_name_prefix="uploads-judge")
        self.judging = threading.Semaphore(limits.check_threads)
        self.remotes = ThreadPoolExecutor(limits.writer_threads, thread_name_prefix="uploads-remote")
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def share(self, whose: str, most: int = 0) -> asyncio.Semaphore:
        """How many judges somebody may have: half of those at work, or `most`."""
        share = self._shares.get(whose)
        if share is None:
            share = self._shares[whose] = asyncio.Semaphore(max(1, most or conf().check_threads // 2))
        return share

    def close(self) -> None:
        for pool in (self.writers, self.checkers, self.judges, self.remotes):
            pool.shutdown(wait=False)


async def write(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that does file work."""
    return await asyncio.get_running_loop().run_in_executor(here(Pools).writers, _carried(function))


async def check(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that may ask the database."""
    return await asyncio.get_running_loop().run_in_executor(here(Pools).checkers, with_connections, _carried(function))


async def remote(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that may wait for a slot's writer or external storage."""
    return await asyncio.get_running_loop().run_in_executor(here(Pools).remotes, with_connections, _carried(function))


async def judge(function: Callable[[], T], visitor: str, network: str = "") -> T:
    """The result of `function`, called in a thread that may look at a whole file.

    A visitor has half of those threads at most: what they send never keeps others waiting for their turn. `network` is
    where they are: those at the same place have half of all that may wait for children.
    """
    pools = here(Pools)
    share, place = pools.share(visitor), pools.share(f"network {network}", (conf().check_threads + RESTING) // 2)
    await share.acquire()
    try:
        await place.acquire()
    except BaseException:
        share.release()
        raise
    judged = partial(_judge, _carried(function), visitor, network)
    work = asyncio.get_running_loop().run_in_executor(pools.judges, with_connections, judged)
    work.add_done_callback(lambda _: place.release())
    work.add_done_callback(lambda _: share.release())  # only then, even if nobody waits for it any more
    return await asyncio.shield(work)


def _carried(function: Callable[[], T]) -> Callable[[], T]:
    """What a context has, which these threads don't know: who pays, and the language to say sentences in."""
    return charged(in_language(function))


_at_work = threading.local()  # `place`: that of a judge who is at work; `is_judge`: whether this thread is one now
_acting: Callable[[str, str], AbstractContextManager[None]] = lambda visitor, network: nullcontext()  # noqa: E731


def judge_for(acting: Callable[[str, str], AbstractContextManager[None]]) -> None:
    """Has judges work within `acting(visitor, network)`. A declaration, made once."""
    global _acting
    _acting = acting


def _judge(function: Callable[[], T], visitor: str, network: str) -> T:
    judging = here(Pools).judging
    judging.acquire()
    _at_work.place, _at_work.is_judge = judging, True
    try:
        with _acting(visitor, network):
            return function()
    finally:
        _leave()
        _at_work.is_judge = False


@contextmanager
def resting() -> Iterator[None]:
    """Within, and from then on, a judge only waits for a child: they leave their place, and the database.

    A thread that is no judge keeps its connections: a command may be reading from one while it gives jobs.
    """
    _leave()
    _let_go_of_database()
    yield


@contextmanager
def aside() -> Iterator[None]:
    """Within, a judge only waits for a storage: they leave their place to others, and take one again afterwards."""
    place = getattr(_at_work, "place", None)
    _leave()
    _let_go_of_database()
    try:
        yield
    finally:
        if place is not None:
            place.acquire()
            _at_work.place = place


def _let_go_of_database() -> None:
    if getattr(_at_work, "is_judge", False):
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                connection.close()


def _leave() -> None:
    place, _at_work.place = getattr(_at_work, "place", None), None
    if place is not None:
        place.release()


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
    """Tasks that outlive their caller. The event loop keeps weak references only, so they are kept here."""

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
