"""Jobs are done by threads of the server's own process.

What waits is in memory. It is lost with the process, and found again in the application's rows (`Task.left`). Where
several processes share a cache, each job is done in one of them.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from django.db import transaction

from liveview import shared_cache
from liveview.conf import conf
from liveview.jobs.contract import GivenUp, HandedBack, Job, Overview, Task, perform, tag
from liveview.jobs.declared import interrupt
from liveview.threads import with_connections

logger = logging.getLogger("liveview.jobs")

STOPPED_WITHIN: Final = 5.0  # seconds for running jobs to be given back


@dataclass(slots=True)
class _Waiting:
    task: Task
    job: Job
    tag: float
    since: float  # on the monotonic clock


@dataclass(slots=True)
class _Queue:
    """By share. A job that is nobody's has a share of its own."""

    most: int
    waiting: dict[str, deque[_Waiting]] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)  # the tag of a share's newest job
    running: set[str] = field(default_factory=set)
    now: float = 0.0

    def put(self, share: str, task: Task, job: Job) -> None:
        self.last[share] = tag(self.now, self.last.get(share), job.cost)
        self.waiting.setdefault(share, deque()).append(_Waiting(task, job, self.last[share], time.monotonic()))

    def take(self) -> tuple[str, _Waiting] | None:
        free = [share for share in self.waiting if share not in self.running]
        if not free or len(self.running) >= self.most:
            return None
        share = min(free, key=lambda each: self.waiting[each][0].tag)
        found = self.waiting[share].popleft()
        if not self.waiting[share]:
            del self.waiting[share]
        self.running.add(share)
        self.now = found.tag
        return share, found

    def done(self, share: str) -> None:
        self.running.discard(share)
        if not self.waiting and not self.running:
            self.last.clear()
            self.now = 0.0


class Threads:
    """Daemon threads, which end when there is nothing to do."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: dict[str, _Queue] = {}
        self._known: set[str] = set()  # keys of what waits, also for its next try, or runs
        self._count = 0
        self._leases = _Leases()
        self._is_stopping = False

    def enqueue(self, task: Task, jobs: Sequence[Job]) -> None:
        transaction.on_commit(partial(self._add, task, jobs))

    def has_turn(self, what: str, seconds: float) -> bool:
        """One of those that share a cache; without one, or while it is away, each."""
        return not self._is_stopping and _first(f"every {what}", seconds * 0.9)

    def overview(self) -> Overview:
        with self._changed:
            waiting = [each for queue in self._queues.values() for line in queue.waiting.values() for each in line]
            running = sum(len(queue.running) for queue in self._queues.values())
            oldest = max((time.monotonic() - each.since for each in waiting), default=0.0)
            return Overview(len(waiting), running, workers=1, oldest=oldest, unseen=0.0)

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            if not self._running():
                return
        interrupt()
        with self._changed:
            self._changed.wait_for(lambda: not self._running(), STOPPED_WITHIN)

    def join(self) -> None:
        """Returns when nothing is left to do. For tests."""
        with self._changed:
            self._changed.wait_for(lambda: not self._known)

    def _running(self) -> bool:
        return any(queue.running for queue in self._queues.values())

    def _add(self, task: Task, jobs: Sequence[Job]) -> None:
        with self._changed:
            for job in jobs:
                if job.key(task) not in self._known:
                    self._known.add(job.key(task))
                    self._put(task, job)

    def _put(self, task: Task, job: Job) -> None:
        """With the lock held."""
        queue = self._queues.setdefault(task.queue, _Queue(1))
        queue.most = task.at_once() if task.at_once else conf().job_threads
        self._count += 1
        queue.put(job.share or f"job {self._count}", task, job)
        self._begin(queue)

    def _begin(self, queue: _Queue) -> None:
        """With the lock held: a thread for a job that may run, if there is one."""
        if not self._is_stopping and (taken := queue.take()) is not None:
            name = f"jobs-{len(queue.running)}"
            threading.Thread(target=self._work, args=(queue, *taken), name=name, daemon=True).start()

    def _work(self, queue: _Queue, share: str, waiting: _Waiting) -> None:
        taken: tuple[str, _Waiting] | None = (share, waiting)
        while taken is not None:
            share, waiting = taken
            again = self._do(waiting.task, waiting.job)
            with self._changed:
                queue.done(share)
                if again is None:
                    self._known.discard(waiting.job.key(waiting.task))
                else:
                    _later(again[0], self._retry, waiting.task, again[1])
                taken = None if self._is_stopping else queue.take()
                self._changed.notify_all()

    def _do(self, task: Task, job: Job) -> tuple[float, Job] | None:
        """What is to be done in so many seconds, if anything."""
        key = job.key(task)
        if not self._leases.take(key):  # another process is at it: it may die
            return conf().job_lease, job
        try:
            pause = with_connections(lambda: perform(task, job, lambda: self._is_stopping))
            return None if pause is None else (pause, replace(job, tries=job.tries + 1))
        except (GivenUp, HandedBack):
            return None
        except Exception:  # the database, for one, when connections are closed
            logger.exception("job %s", task.name)
            return None
        finally:
            self._leases.drop(key)

    def _retry(self, task: Task, job: Job) -> None:
        with self._changed:
            self._put(task, job)


def _later(seconds: float, call: Callable[..., object], *args: object) -> None:
    timer = threading.Timer(seconds, call, args)
    timer.daemon = True
    timer.start()


class _Leases:
    """The jobs that this process is at, which the others leave to it as long as it lives."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._is_renewing = False

    def take(self, key: str) -> bool:
        if not _first(key, conf().job_lease):
            return False
        with self._lock:
            self._held.add(key)
            if not self._is_renewing:
                self._is_renewing = True
                threading.Thread(target=self._renew, name="jobs-lease", daemon=True).start()
        return True

    def drop(self, key: str) -> None:
        with self._lock:
            self._held.discard(key)
        try:
            shared_cache.forget(_name(key))
        except Exception:  # noqa: BLE001  (whatever the cache's driver raises: it expires by itself)
            logger.warning("jobs: cache unavailable")

    def _renew(self) -> None:
        while True:
            time.sleep(conf().job_lease / 3)
            with self._lock:
                held = list(self._held)
                if not held:
                    self._is_renewing = False
                    return
            for key in held:
                try:
                    shared_cache.put(_name(key), True, conf().job_lease)
                except Exception:  # noqa: BLE001
                    logger.warning("jobs: cache unavailable")


def _first(what: str, seconds: float) -> bool:
    """Whether nobody has said so within the last seconds."""
    try:
        return shared_cache.add(_name(what), True, seconds)
    except Exception:  # noqa: BLE001  (whatever the cache's driver raises: better twice than never)
        logger.warning("jobs: cache unavailable")
        return True


def _name(what: str) -> str:
    return f"liveview:jobs:{hashlib.sha256(what.encode()).hexdigest()}"
