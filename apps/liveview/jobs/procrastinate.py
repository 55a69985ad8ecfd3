"""Jobs wait in the site's PostgreSQL, and are done by workers: `manage.py liveview_worker`. Needs Procrastinate.

Procrastinate (https://procrastinate.readthedocs.io) has the table, the locks and the signs of life. What is ours: the
order among shares, as a job's priority; tries, which are counted in a job's arguments; and that a killed worker's jobs
are queued again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from procrastinate import exceptions
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob, ProcrastinateWorker
from procrastinate.jobs import Status

from liveview.conf import conf
from liveview.jobs.contract import Job, Overview, Task, give_up, tag
from liveview.jobs.declared import TASKS

logger = logging.getLogger("liveview.jobs")

_SCALE: Final = 10  # a priority is a whole number: so many of it for a cost of 1
_LOWEST: Final = -(2**31) + 1


class Procrastinate:
    def enqueue(self, task: Task, jobs: Sequence[Job]) -> None:
        """In the transaction around this, so that a row and its job are there together, or neither is."""
        keys = {_short(job.key(task)): job for job in jobs}
        for known in _unfinished().filter(queueing_lock__in=keys).values_list("queueing_lock", flat=True):
            del keys[known]
        for job in keys.values():
            add(task, job)

    def has_turn(self, what: str, seconds: float) -> bool:
        return False  # a worker's

    def overview(self) -> Overview:
        due = Q(scheduled_at=None) | Q(scheduled_at__lte=Now())
        waiting = ProcrastinateJob.objects.filter(due, status="todo")
        since = ProcrastinateEvent.objects.filter(job__in=waiting, type__in=("deferred", "scheduled"), at__lte=Now())
        oldest = since.aggregate(at=models.Min("at"))["at"]
        seen = ProcrastinateWorker.objects.aggregate(at=models.Max("last_heartbeat"))["at"]
        now = timezone.now()
        return Overview(
            waiting=waiting.count(),
            running=ProcrastinateJob.objects.filter(status="doing").count(),
            failed=ProcrastinateJob.objects.filter(status="failed").count(),
            workers=ProcrastinateWorker.objects.filter(last_heartbeat__gt=_lost()).count(),
            oldest=(now - oldest).total_seconds() if oldest else 0.0,
            unseen=max(0.0, (now - seen).total_seconds()) if seen else None,
        )

    def stop(self) -> None:
        """Nothing runs in a server's process."""


def add(task: Task, job: Job, seconds: float = 0.0) -> None:
    """Does nothing if the same waits already. `seconds`: not before that time has passed."""
    lock = f"{task.queue} {job.share}" if job.share else None
    if seconds and lock:
        lock += " again"  # it holds up nothing else of its share while it waits for its time
    how: dict[str, Any] = {"schedule_in": {"seconds": seconds}} if seconds else {}
    deferrer = app.configure_task(
        task.name,
        queue=task.queue,
        lock=lock,
        queueing_lock=_short(job.key(task)),
        priority=_priority(task.queue, lock, job.cost),
        **how,
    )
    try:
        with transaction.atomic():
            deferrer.defer(args=list(job.args), share=job.share, cost=job.cost, tries=job.tries)
    except exceptions.AlreadyEnqueued:
        pass


def requeue_lost() -> int:
    """Queues again what workers had that give no sign of life; how many. Blocks."""
    lost = ProcrastinateJob.objects.filter(Q(worker=None) | Q(worker__last_heartbeat__lt=_lost()), status="doing")
    given_up: list[tuple[Task, Job]] = []
    with transaction.atomic():
        found = list(lost.select_for_update(of=("self",), skip_locked=True))
        for row in found:
            task = TASKS.get(row.task_name)
            job = replace(of(row.args), tries=row.args.get("tries", 0) + 1) if task else None
            is_over = task is not None and job is not None and job.tries >= task.attempts
            async_to_sync(app.job_manager.finish_job_by_id_async)(row.pk, Status.FAILED, delete_job=not is_over)
            if task is None or job is None:  # what is done now and then: its time comes again
                continue
            logger.warning("job lost", extra={"fields": {"task": task.name, "tries": job.tries}})
            if is_over:
                given_up.append((task, job))
            else:
                add(task, job)
    for task, job in given_up:
        give_up(task, job, None)
    return len(found)


def of(args: dict[str, Any]) -> Job:
    """What `add` has written down."""
    return Job(tuple(args["args"]), args["share"], args["cost"], args["tries"])


def _priority(queue: str, lock: str | None, cost: float) -> int:
    """The higher is next: `tag`, upside down."""
    found = (
        _unfinished()
        .filter(queue_name=queue)
        .aggregate(
            running=models.Min("priority", filter=Q(status="doing")),
            next=models.Max("priority", filter=Q(status="todo")),
            last=models.Min("priority", filter=Q(lock=lock)),
        )
    )
    now = found["running"] if found["running"] is not None else found["next"] or 0
    last = None if lock is None or found["last"] is None else -found["last"] / _SCALE
    return max(_LOWEST, -round(tag(-now / _SCALE, last, cost) * _SCALE))


def _unfinished() -> models.QuerySet[Any]:
    found: models.QuerySet[Any] = ProcrastinateJob.objects.filter(status__in=("todo", "doing"))
    return found


def _lost() -> Any:
    """Whose last sign of life is older has lost its jobs."""
    return Now() - timedelta(seconds=conf().job_lease)


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
