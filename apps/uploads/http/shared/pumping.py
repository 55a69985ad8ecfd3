"""From the event loop to a thread that writes: what arrives while a write is under way goes with the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias

from uploads import threads

MOST: Final = 1024 * 1024  # bytes that may wait; beyond them `feed` waits


Thread: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]
"""One of `uploads.threads`."""


class Pump:
    """`write` gets the pieces in order, several at a time, and may block. What it raises, `feed` and `drain` raise."""

    def __init__(self, write: Callable[[list[bytes]], None], thread: Thread = threads.write) -> None:
        self._write, self._thread = write, thread
        self._waiting: list[bytes] = []
        self._weight = 0
        self._writing: asyncio.Future[None] | None = None

    async def feed(self, piece: bytes) -> None:
        """Takes a piece to be written soon, whether or not another one follows."""
        self._waiting.append(piece)
        self._weight += len(piece)
        if self._writing is not None and (self._writing.done() or self._weight >= MOST):
            await self._finish()
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write_all())

    async def drain(self) -> None:
        """Returns when everything is written."""
        await self._finish()

    def forget(self) -> None:
        """Drops what waits."""
        self._waiting, self._weight = [], 0

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting, self._weight = self._waiting, [], 0
            await self._thread(partial(self._write, batch))

    async def _finish(self) -> None:
        """After a failure nothing waits any more."""
        writing, self._writing = self._writing, None
        if writing is not None:
            try:
                await asyncio.shield(writing)
            except Exception:
                self.forget()
                raise
        if self._waiting:
            await self._write_all()
