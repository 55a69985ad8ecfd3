"""What a server does now and then by itself, in a thread of its own: nobody has to come by for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from liveview.process import here
from liveview.threads import with_connections

logger = logging.getLogger("liveview")

Work = Callable[[], object]

_declared: Final[dict[str, tuple[float, Work]]] = {}


def every(seconds: float, what: str, work: Work) -> None:
    """Has `work` called that often in each server's process, and once when it starts. It may block.

    A declaration, for `AppConfig.ready`. What it raises is logged, once until it works again.
    """
    _declared[what] = (seconds, work)


def start() -> None:
    """Called by a server when it begins to serve. Commands and tests don't, and nothing happens in them."""
    here(_Housekeeper).start()


@dataclass(slots=True)
class _Task:
    what: str
    seconds: float
    work: Work
    due: float = 0.0
    fails: bool = False

    def run(self) -> None:
        try:
            with_connections(self.work)
            self.fails = False
        except Exception:  # whatever it is, the next round may work
            if not self.fails:
                logger.exception("housekeeping failed: %s", self.what)
            self.fails = True
        self.due = time.monotonic() + self.seconds


class _Housekeeper:
    def __init__(self) -> None:
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None and _declared:
            self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._ends.set()

    def _run(self) -> None:
        tasks = [_Task(what, seconds, work) for what, (seconds, work) in _declared.items()]
        while not self._ends.is_set():
            for task in tasks:
                if task.due <= time.monotonic():
                    task.run()
            self._ends.wait(max(0.0, min(task.due for task in tasks) - time.monotonic()))
