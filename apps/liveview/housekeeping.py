"""What a server does now and then by itself, each in a thread of its own: nobody has to come by for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from liveview.process import here
from liveview.threads import with_connections

logger = logging.getLogger("liveview")

Work = Callable[[], object]

_declared: Final[dict[str, tuple[float, Work]]] = {}


def every(seconds: float, what: str, work: Work) -> None:
    """Has `work` called that often in each server's process, and once when it starts. It may block.

    What one process does for all is `liveview.jobs.every`.
    A declaration, for `AppConfig.ready`. What it raises is logged, once until it works again.
    """
    _declared[what] = (seconds, work)


def start() -> None:
    """Called when a server begins to serve. Commands and tests don't, and nothing happens in them."""
    here(_Housekeeper).start()


def served(scope: dict[str, Any]) -> None:
    """Somebody is asking: for servers that don't say when they begin."""
    if "asgi" in scope:  # as every server says, whichever it is, and no test
        start()


async def lifespan(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """The ASGI application for the lifespan of a server that tells of it."""
    while (await receive())["type"] != "lifespan.shutdown":
        start()
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


@dataclass(slots=True)
class Task:
    """What fails each time is told once."""

    what: str
    seconds: float
    work: Work
    fails: bool = False

    def run(self) -> None:
        try:
            with_connections(self.work)
            self.fails = False
        except Exception:  # whatever it is, the next round may work
            if not self.fails:
                logger.exception("housekeeping failed: %s", self.what)
            self.fails = True


class _Housekeeper:
    def __init__(self) -> None:
        self._ends = threading.Event()
        self._has_begun = False

    def start(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            for what, (seconds, work) in _declared.items():
                task = Task(what, seconds, work)
                threading.Thread(target=self._repeat, args=(task,), name="housekeeping", daemon=True).start()

    def close(self) -> None:
        self._ends.set()

    def _repeat(self, task: Task) -> None:
        """One that hangs, as a storage may for minutes, keeps no other from its time."""
        while not self._ends.is_set():
            task.run()
            self._ends.wait(task.seconds)
