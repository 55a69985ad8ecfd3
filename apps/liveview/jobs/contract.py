"""What tasks, jobs and those who do them are to each other."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

logger = logging.getLogger("liveview.jobs")

SHARED: Final = "default"  # the queue of tasks that have none of their own
LONGEST: Final = 300.0  # seconds between two tries
PATIENCE: Final = 60.0  # seconds that jobs may wait where there is no worker, as when a new version takes over


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do: the arguments of its task, which are JSON.

    share: whose it is. Of one share, one job of a queue runs at a time, and the others wait in the order they came.
    cost: what it takes, in any unit that the task's jobs have in common.
    tries: how often it was tried already, and failed.
    """

    args: tuple[Any, ...]
    share: str = ""
    cost: float = 1.0
    tries: int = 0

    def key(self, task: Task) -> str:
        """The same for all jobs of a task with the same arguments, of which one waits at a time."""
        return f"{task.name}{json.dumps(self.args, separators=(',', ':'))}"


@dataclass(frozen=True, slots=True)
class Task:
    """A function that jobs call. It runs in a thread with database connections of its own.

    attempts: how often it is tried before it is given up. Where workers are other processes, a try that kills its
        worker counts; a task that may do so in the server's own process counts in its rows.
    at_once: how many of its jobs run at a time in one process; by itself a task shares a queue with others.
    left: what is still to be done, as the application's rows say it.
    given_up: is told the last error (None: its worker was killed) and the job's arguments.
    """

    function: Callable[..., object]
    name: str
    attempts: int = 8
    at_once: Callable[[], int] | None = None
    left: Callable[[], Iterable[Job]] | None = None
    given_up: Callable[..., object] | None = None

    def __call__(self, *args: Any) -> object:
        """At once, and here."""
        return self.function(*args)

    @property
    def queue(self) -> str:
        return self.name if self.at_once else SHARED

    def enqueue(self, *args: Any, share: str = "", cost: float = 1.0) -> None:
        """Has it called with `args`, once the transaction around this is committed, and never if it is rolled back.

        Does nothing if the same waits or runs already. `share` and `cost` are those of `Job`.
        """
        from liveview.jobs.declared import backend

        backend().enqueue(self, [Job(args, share, cost)])


@dataclass(frozen=True, slots=True)
class Overview:
    """How it stands: how many jobs wait that are due, and so on.

    `oldest` is for how many seconds one of those has waited, `unseen` since when no worker has given a sign of life;
    None if there never was one.
    """

    waiting: int = 0
    running: int = 0
    failed: int = 0
    workers: int = 0
    oldest: float = 0.0
    unseen: float | None = None

    @property
    def complaint(self) -> str:
        """Says that nobody does the work, if so."""
        if not self.waiting or self.workers or self.oldest < PATIENCE:
            return ""
        jobs = "1 job waits" if self.waiting == 1 else f"{self.waiting} jobs wait"
        since = "yet" if self.unseen is None else f"for {self.unseen:.0f} s"
        return f"{jobs}, and no worker has been seen {since}"


class Backend(Protocol):
    """Who does the work. One for each process, asked for with `liveview.process.here`."""

    def enqueue(self, task: Task, jobs: Sequence[Job]) -> None:
        """Those of which the same neither waits nor runs."""

    def has_turn(self, what: str, seconds: float) -> bool:
        """Whether it is this server's turn to do what is done that often. Others are asked as well."""

    def overview(self) -> Overview: ...

    def stop(self) -> None:
        """The process is about to end: running jobs are given back. Blocks for as long as that takes."""


class GivenUp(Exception):
    """A job has failed for good; its task was told."""


class HandedBack(Exception):
    """A job isn't done because the process ends. It counts as not begun."""


def perform(task: Task, job: Job, is_stopping: Callable[[], bool]) -> float | None:
    """Does a job. None when it is done; else in how many seconds it is to be tried again.

    Raises `GivenUp` or `HandedBack`.
    """
    began = time.monotonic()
    try:
        task.function(*job.args)
    except Exception as failure:
        seconds = time.monotonic() - began
        if is_stopping():
            _tell(logging.INFO, task, job, "handed back", seconds)
            raise HandedBack from failure
        if job.tries + 1 >= task.attempts:
            _tell(logging.ERROR, task, job, "given up", seconds, failure)
            give_up(task, job, failure)
            raise GivenUp from failure
        _tell(logging.WARNING, task, job, "failed", seconds, failure)
        return pause(job.tries)
    _tell(logging.INFO, task, job, "done", time.monotonic() - began)
    return None


def give_up(task: Task, job: Job, failure: Exception | None) -> None:
    if task.given_up is not None:
        try:
            task.given_up(failure, *job.args)
        except Exception:
            logger.exception("job %s: given_up callback failed", task.name)


def pause(tries: int) -> float:
    """Seconds until the next try, after so many before the one that has failed."""
    return float(min(LONGEST, 2.0 ** (tries + 1)))


def tag(now: float, last: float | None, cost: float) -> float:
    """Where a job of a share stands: the lowest is next.

    Self-clocked fair queueing (Golestani 1994): when it would be done if all shares had the same of the work since
    they came. `now` is the tag of the job that runs, `last` that of the share's job before.
    """
    return max(now, last if last is not None else now) + cost


def _tell(level: int, task: Task, job: Job, outcome: str, seconds: float, failure: Exception | None = None) -> None:
    fields = {"task": task.name, "outcome": outcome, "seconds": round(seconds, 3), "tries": job.tries}
    logger.log(level, "job %s", outcome, extra={"fields": fields}, exc_info=failure)
