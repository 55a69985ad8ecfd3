"""Application code runs in threads, so that no handler ever delays another visitor."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Final, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from asgiref.sync import async_to_sync, sync_to_async
from django.db import close_old_connections, reset_queries
from django.utils import translation

from liveview.conf import conf
from liveview.process import here

__all__ = ["with_connections"]

T = TypeVar("T")


class Payer(Protocol):
    """Who is charged for what threads do in a context. A server may say so; see `liveview.daphne.accounts`."""

    def took(self, seconds: float) -> None:
        """So many seconds of a thread. Called in that thread."""

    def settle(self) -> None:
        """From now on it isn't charged any more."""


payer: Final[ContextVar[Payer | None]] = ContextVar("liveview.payer", default=None)


def charged(function: Callable[[], T]) -> Callable[[], T]:
    """`function`, whose time is charged to who pays in this context, wherever it is called."""
    who = payer.get()
    if who is None:
        return function

    def call() -> T:
        began = time.thread_time()
        try:
            return function()
        finally:
            who.took(time.thread_time() - began)

    return call


def in_language(function: Callable[[], T]) -> Callable[[], T]:
    """`function`, which speaks the language that is active now, in whichever thread it is called."""
    language = translation.get_language()

    def call() -> T:
        with translation.override(language):
            return function()

    return call


class _Threads:
    """This process's threads, and how many of them each visitor may use at once."""

    def __init__(self) -> None:
        self.most = conf().threads
        self.pool = ThreadPoolExecutor(self.most, thread_name_prefix="liveview")
        self.call: Any = sync_to_async(with_connections, thread_sensitive=False, executor=self.pool)
        self.unasked: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
        self.shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def close(self) -> None:
        """Calls that are already queued still run."""
        self.pool.shutdown(wait=False)


async def run(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread with database connections of its own.

    A connection is closed afterwards unless `CONN_MAX_AGE` keeps it open, just as after a request. Context variables
    that `function` sets (the active language, the script prefix) are set for the caller, and so for what it runs next.
    """
    result: T = await here(_Threads).call(charged(function))
    return result


def with_connections(function: Callable[[], T]) -> T:
    """Calls `function`, and closes stale database connections before and after it, as around a request."""
    reset_queries()
    close_old_connections()
    try:
        return function()
    finally:
        close_old_connections()


def completed(value: Any) -> Any:
    """The result of a method that may have been `async`, called from a thread."""

    async def wait() -> Any:
        return await value

    return async_to_sync(wait)() if inspect.isawaitable(value) else value


def is_on_loop() -> bool:
    """Whether this thread is running an event loop, and so must not block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def unasked() -> asyncio.Semaphore:
    """The share of the threads that what no visitor has just asked for has, in all pages together: an eighth of them.

    One visitor's click may render a thousand other pages: the next click doesn't wait for these.
    """
    loop, known = asyncio.get_running_loop(), here(_Threads).unasked
    return known.get(loop) or known.setdefault(loop, asyncio.Semaphore(max(1, here(_Threads).most // 8)))


def share(visitor: str) -> asyncio.Semaphore:
    """A visitor's share of the threads: a quarter of them, however many sockets they have open."""
    threads = here(_Threads)
    semaphore = threads.shares.get(visitor)
    if semaphore is None:
        semaphore = threads.shares[visitor] = asyncio.Semaphore(max(1, threads.most // 4))
    return semaphore
