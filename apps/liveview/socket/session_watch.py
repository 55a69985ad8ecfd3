"""Looks at the sessions behind all open sockets together: a thousand idle pages cost one look, not a thousand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from functools import partial
from weakref import WeakKeyDictionary

from liveview import threads
from liveview.conf import conf
from liveview.process import here
from liveview.socket import django_session
from liveview.socket.django_session import Standing

logger = logging.getLogger("liveview")


class _Watch:
    """The sessions of one event loop."""

    def __init__(self) -> None:
        self._watchers: dict[Standing, list[Callable[[], None]]] = {}
        self._looking: asyncio.Task[None] | None = None

    def enter(self, standing: Standing, has_ended: Callable[[], None]) -> None:
        self._watchers.setdefault(standing, []).append(has_ended)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())

    def leave(self, standing: Standing, has_ended: Callable[[], None]) -> None:
        watchers = self._watchers.get(standing, [])
        with contextlib.suppress(ValueError):
            watchers.remove(has_ended)
        if not watchers:
            self._watchers.pop(standing, None)
        if not self._watchers and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while self._watchers:
            await asyncio.sleep(conf().session_check)
            for standing in await threads.run(partial(django_session.ended, list(self._watchers))):
                for tell in self._watchers.pop(standing, []):
                    try:
                        tell()
                    except Exception:  # the other sessions are still to be watched
                        logger.exception("could not announce the end of a session")


class _Watches:
    """A process has one event loop, tests have several."""

    def __init__(self) -> None:
        self.by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = WeakKeyDictionary()


@contextlib.contextmanager
def watched(standing: Standing | None, has_ended: Callable[[], None]) -> Iterator[None]:
    """Within, `has_ended` is called on the event loop once the session has ended, a few seconds later."""
    if standing is None:
        yield
        return
    watches = here(_Watches).by_loop
    watch = watches.get(asyncio.get_running_loop()) or watches.setdefault(asyncio.get_running_loop(), _Watch())
    watch.enter(standing, has_ended)
    try:
        yield
    finally:
        watch.leave(standing, has_ended)
