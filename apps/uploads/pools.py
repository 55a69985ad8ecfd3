"""Threads for uploads, apart from those of the handlers: five hundred photos being checked must not delay a click."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from liveview.threads import with_connections
from uploads.conf import conf

T = TypeVar("T")


@cache
def _writers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(conf().io_threads, thread_name_prefix="uploads-write")


@cache
def _checkers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(conf().check_threads, thread_name_prefix="uploads-check")


@cache
def _drivers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(conf().writer_threads, thread_name_prefix="uploads-drive")


async def write(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that does file work."""
    return await asyncio.get_running_loop().run_in_executor(_writers(), function)


async def check(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that may ask the database."""
    return await asyncio.get_running_loop().run_in_executor(_checkers(), with_connections, function)


async def drive(function: Callable[[], T]) -> T:
    """The result of `function`, called in a thread that may wait for a slot's writer, whatever that does."""
    return await asyncio.get_running_loop().run_in_executor(_drivers(), with_connections, function)
