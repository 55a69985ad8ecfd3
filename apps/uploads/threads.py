"""Threads for uploads, apart from those of the handlers: five hundred photos being checked must not delay a click."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from liveview.threads import with_connections
from uploads.conf import conf

T = TypeVar("T")

QUICK: Final = 8  # calls that ask a store or the database which may run at the same time


@cache
def _writers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(conf().io_threads, thread_name_prefix="uploads-write")


@cache
def _checkers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(QUICK, thread_name_prefix="uploads-check")


@cache
def _judges() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(conf().check_threads, thread_name_prefix="uploads-judge")


@cache
def _drivers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(conf().writer_threads, thread_name_prefix="uploads-drive")


async def write(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that does file work."""
    return await asyncio.get_running_loop().run_in_executor(_writers(), function)


async def check(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that may ask the database."""
    return await asyncio.get_running_loop().run_in_executor(_checkers(), with_connections, function)


async def judge(function: Callable[[], T], visitor: str) -> T:
    """The result of `function`, called in a thread that may look at a whole file.

    A visitor has half of those threads at most: what he sends never keeps others waiting for their turn.
    """
    share = _share(visitor)
    await share.acquire()
    work = asyncio.get_running_loop().run_in_executor(_judges(), with_connections, function)
    work.add_done_callback(lambda _: share.release())  # not before, also when nobody waits for it any more
    return await asyncio.shield(work)


_shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()


def _share(visitor: str) -> asyncio.Semaphore:
    share = _shares.get(visitor)
    if share is None:
        share = _shares[visitor] = asyncio.Semaphore(max(1, conf().check_threads // 2))
    return share


async def drive(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that may wait for a slot's writer, whatever that does."""
    return await asyncio.get_running_loop().run_in_executor(_drivers(), with_connections, function)
