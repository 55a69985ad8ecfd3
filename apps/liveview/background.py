"""Work in the background of a page: `LiveView.start_async`.

It runs in a thread of its own, or on the event loop if it is async, while the page goes on. It belongs to the page: a
visitor who leaves ends it at its next `yield`. When only the connection is lost it goes on, and the page takes it up if
it is back within a minute and in the same process.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

from liveview.places import Places
from liveview.process import here
from liveview.threads import in_language, with_connections

__all__ = ["Lost", "Result"]

logger = logging.getLogger("liveview")

GRACE: Final = 60.0  # seconds that work goes on without its page
TELL_EVERY: Final = 0.1  # seconds between two intermediate values; those in between are dropped
AT_ONCE: Final = 16  # works of this process that run, of one visitor half of them; the others wait


class Lost(Exception):
    """The work was in a process that has ended, or the page was away for too long: nobody knows what became of it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What `handle_async` gets.

    value: what the work returned (an async generator: what it yielded last); while it isn't `done`, what it yielded.
    error: what it raised, `Lost` included; None if it raised nothing.
    """

    value: Any = None
    error: Exception | None = None
    done: bool = True


class _Places(Places):
    def __init__(self) -> None:
        super().__init__(AT_ONCE)


class Work:
    """For the event loop only, but for what its thread calls. While there is nobody to tell, the last result waits."""

    def __init__(
        self, name: str, function: Callable[[], Any], tell: Callable[[Work, Result], None], whose: str = ""
    ) -> None:
        self.name, self._whose = name, whose
        self._tell: Callable[[Work, Result], None] | None = tell
        self._waiting: Result | None = None
        self._loop = asyncio.get_running_loop()
        self._is_cancelled = threading.Event()
        self._told = float("-inf")
        self._end: asyncio.TimerHandle | None = None
        self._task = asyncio.ensure_future(self._start(function))

    def cancel(self) -> None:
        """Nobody is told any more, and it ends at its next `yield` (an async one at its next `await`)."""
        self._tell = None
        self._is_cancelled.set()
        self._task.cancel()

    def leave(self, forget: Callable[[], None]) -> None:
        """Its page is gone, and may come back within `GRACE`."""

        def give_up() -> None:
            self.cancel()
            forget()

        self._tell = None
        self._end = self._loop.call_later(GRACE, give_up)

    def attach(self, tell: Callable[[Work, Result], None]) -> None:
        """A page has taken it up, and is told at once what it has missed."""
        if self._end is not None:
            self._end.cancel()
        self._tell = tell
        if self._waiting is not None:
            self._arrived(self._waiting)

    def _arrived(self, result: Result) -> None:
        self._waiting = result
        if self._tell is not None:
            self._waiting = None
            self._tell(self, result)

    async def _start(self, function: Callable[[], Any]) -> None:
        places = here(_Places)
        await places.take(self._whose)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            try:
                await self._run_async(function)
            finally:
                places.leave(self._whose)
        else:  # a daemon: a server that ends doesn't wait for it
            thread = threading.Thread(target=self._run_in_thread, args=(in_language(function), places), daemon=True)
            thread.name = f"liveview-{self.name}"
            try:
                thread.start()
            except RuntimeError as no_thread:  # the machine lets us have no more
                places.leave(self._whose)
                self._failed(no_thread)

    def _run_in_thread(self, function: Callable[[], Any], places: _Places) -> None:
        try:
            with_connections(partial(self._run, function))
        finally:
            self._on_loop(places.leave, self._whose)

    def _on_loop(self, call: Callable[..., object], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            self._loop.call_soon_threadsafe(call, *args)

    def _report(self, result: Result) -> None:
        """In whichever thread it runs."""
        now = time.monotonic()
        if result.done or now - self._told >= TELL_EVERY:
            self._told = now
            self._on_loop(self._arrived, result)

    def _run(self, function: Callable[[], Any]) -> None:
        try:
            value = function()
            if isinstance(value, Iterator):
                value = self._step(value)
            self._report(Result(value))
        except Exception as raised:  # noqa: BLE001  (the application's code may raise anything)
            self._failed(raised)

    def _step(self, steps: Iterator[Any]) -> Any:
        """What a generator returns; its `finally` runs if it is cancelled."""
        while True:
            try:
                self._report(Result(next(steps), done=False))
            except StopIteration as end:
                return end.value
            if self._is_cancelled.is_set():
                getattr(steps, "close", lambda: None)()
                return None

    async def _run_async(self, function: Callable[[], Any]) -> None:
        try:
            work, value = function(), None
            if isinstance(work, AsyncIterator):
                async for value in work:
                    self._report(Result(value, done=False))
            else:
                value = await work
            self._report(Result(value))
        except Exception as raised:  # noqa: BLE001
            self._failed(raised)

    def _failed(self, raised: Exception) -> None:
        logger.error("background work %r failed", self.name, exc_info=raised)
        self._report(Result(error=raised))


class Away:
    """The works of pages that have lost their socket, by snapshot."""

    def __init__(self) -> None:
        self._works: dict[str, dict[str, Work]] = {}

    def leave(self, snapshot: str, works: dict[str, Work]) -> None:
        self._works[snapshot] = works
        for name, work in works.items():
            work.leave(partial(self._forget, snapshot, name))

    def take(self, snapshot: str) -> dict[str, Work]:
        return self._works.pop(snapshot, {})

    def _forget(self, snapshot: str, name: str) -> None:
        works = self._works.get(snapshot, {})
        works.pop(name, None)
        if not works:
            self._works.pop(snapshot, None)


class Open:
    """The pages that have a socket, by snapshot."""

    def __init__(self) -> None:
        self.pages: WeakValueDictionary[str, Works] = WeakValueDictionary()


class Works:
    """The works of one page. `whose` it is has to be known before it starts any."""

    def __init__(self, tell: Callable[[str, Result], None]) -> None:
        self.whose = ""
        self._tell = tell
        self._works: dict[str, Work] = {}

    def start(self, name: str, function: Callable[[], Any]) -> None:
        """In place of the one of the same name, if that is still running."""
        self.cancel(name)
        self._works[name] = Work(name, function, self._told, self.whose)

    def cancel(self, name: str) -> None:
        work = self._works.pop(name, None)
        if work is not None:
            work.cancel()

    def resume(self, snapshot: str, names: frozenset[str]) -> None:
        """Its page is there. Takes up what the page's last socket began and runs here; the others are `Lost`."""
        found = self._left(snapshot)
        for name, work in found.items():
            self.cancel(name)  # `mount` has begun it anew
            self._works[name] = work
            work.attach(self._told)
        for name in names - set(found):
            self._tell(name, Result(error=Lost(name)))

    def leave(self, snapshot: str) -> None:
        """The page is gone; it may come back with this snapshot, unless there is none."""
        works, self._works = self._works, {}
        if here(Open).pages.get(snapshot) is self:
            del here(Open).pages[snapshot]
        if works and snapshot:
            here(Away).leave(snapshot, works)
        else:
            for work in works.values():
                work.cancel()

    def _left(self, snapshot: str) -> dict[str, Work]:
        """The last socket may still seem to be there: nobody is told when a phone changes its network."""
        pages = here(Open).pages
        before, pages[snapshot] = pages.get(snapshot), self
        if before is None:
            return here(Away).take(snapshot)
        works, before._works = before._works, {}
        return works

    def _told(self, work: Work, result: Result) -> None:
        if result.done:
            self._works.pop(work.name, None)
        self._tell(work.name, result)
