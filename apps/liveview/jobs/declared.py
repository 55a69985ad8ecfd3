"""What the applications have declared, and who does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from django.utils.module_loading import import_string

from liveview import housekeeping
from liveview.conf import conf
from liveview.jobs.contract import Backend, Job, Task
from liveview.process import here

logger = logging.getLogger("liveview.jobs")

BACKENDS: Final = {
    "threads": "liveview.jobs.threads.Threads",
    "procrastinate": "liveview.jobs.procrastinate.Procrastinate",
}
LOOK_EVERY: Final = 60.0  # seconds between two looks at what is left

TASKS: Final[dict[str, Task]] = {}
PERIODIC: Final[dict[str, tuple[float, Callable[[], object]]]] = {}
_STOPS: Final[list[Callable[[], object]]] = []


def task(
    *,
    attempts: int = 8,
    at_once: Callable[[], int] | None = None,
    left: Callable[[], Iterable[Job]] | None = None,
    given_up: Callable[..., object] | None = None,
) -> Callable[[Callable[..., object]], Task]:
    """Makes a function of a module a `Task`, whose fields these are."""

    def declare(function: Callable[..., object]) -> Task:
        name = f"{function.__module__}.{function.__qualname__}"
        declared = TASKS[name] = Task(function, name, attempts, at_once, left, given_up)
        return declared

    return declare


def every(seconds: float, what: str, work: Callable[[], object]) -> None:
    """Has `work` called that often in one process of all. It may block.

    A declaration, for `AppConfig.ready`. What every process does for itself is `housekeeping.every`.
    seconds: divide a minute, or are minutes that divide an hour, or hours that divide a day.
    """
    PERIODIC[what] = (seconds, work)
    housekeeping.every(seconds, what, partial(_take_turn, seconds, what, work))


def _take_turn(seconds: float, what: str, work: Callable[[], object]) -> None:
    if backend().has_turn(what, seconds):
        work()


def enqueue_left() -> None:
    """Gives a job to whatever is to be done and has none: what a killed process had, or a version before this."""
    for each in list(TASKS.values()):
        if each.left is not None:
            backend().enqueue(each, list(each.left()))


def look() -> None:
    """Tells the log when nobody does what waits, in every process that is asked to."""
    if complaint := backend().overview().complaint:
        logger.error("%s", complaint)


def at_stop(stop: Callable[[], object]) -> None:
    """Has `stop` called when the process ends although jobs are running: it makes these raise. A declaration."""
    if stop not in _STOPS:
        _STOPS.append(stop)


def interrupt() -> None:
    for stop in _STOPS:
        try:
            stop()
        except Exception:
            logger.exception("jobs: could not stop running jobs")


def backend() -> Backend:
    """This process's."""
    return here(_Chosen).backend


def kind_of(named: str) -> Callable[[], Backend]:
    """The class that `LIVEVIEW["JOBS"]` names. Raises `ImportError`."""
    kind: Callable[[], Backend] = import_string(BACKENDS.get(named, named))
    return kind


class _Chosen:
    def __init__(self) -> None:
        self.backend = kind_of(conf().jobs)()

    def close(self) -> None:
        self.backend.stop()
