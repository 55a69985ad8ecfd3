"""A worker: does what waits in PostgreSQL until it is told to stop. Needs Procrastinate."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import procrastinate
from django.db import DatabaseError
from procrastinate import exceptions
from procrastinate.contrib.django import app as site
from procrastinate.job_context import JobContext

from liveview import housekeeping
from liveview.conf import conf
from liveview.jobs.contract import SHARED, HandedBack, Task, perform
from liveview.jobs.declared import PERIODIC, TASKS, interrupt
from liveview.jobs.procrastinate import add, of, requeue_lost
from liveview.threads import with_connections

logger = logging.getLogger("liveview.jobs")

CONNECTIONS: Final = 4  # to the database that the engine itself may have, beside one to listen on for each queue
LONGEST: Final = 30.0  # seconds between two attempts to reach the database
ANSWER: Final = 5.0  # seconds in which the event loop has to answer
SPARE: Final = 5.0  # seconds after the grace until the process ends, whatever still runs
KEPT: Final = 7 * 24  # hours that failed jobs can be looked at


class Worker:
    def __init__(self) -> None:
        self._is_out_of_grace = False
        self._loop: asyncio.AbstractEventLoop | None = None  # while it works
        self._queues = {SHARED: conf().job_threads}
        for task in TASKS.values():
            if task.at_once is not None:
                self._queues[task.queue] = task.at_once()

    def run(self) -> None:
        """Until SIGTERM or SIGINT, through outages of the database."""
        housekeeping.start()
        asyncio.run(self._serve())

    def is_working(self) -> bool:
        """Whether it has reached the database and looks for jobs. Blocks for up to `ANSWER` seconds."""
        if self._loop is None:
            return False
        answer = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop)
        with suppress(TimeoutError):
            answer.result(ANSWER)
        return answer.done()

    async def _serve(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        loop.set_default_executor(ThreadPoolExecutor(sum(self._queues.values()) + CONNECTIONS))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop, stop)
        pause = 1.0
        while not stop.is_set():
            try:
                await self._work(stop)
                pause = 1.0
            except (exceptions.ConnectorException, DatabaseError, OSError) as away:
                logger.warning("worker: database unavailable: %s", away)
                pause = min(LONGEST, pause * 2)
            await _first(stop.wait(), asyncio.sleep(0 if stop.is_set() else pause))
        logger.info("worker ends")

    def _told_to_stop(self, stop: asyncio.Event) -> None:
        if stop.is_set():
            return
        logger.info("worker stopping")
        stop.set()
        for seconds, call in ((conf().job_grace, self._interrupt), (conf().job_grace + SPARE, lambda: os._exit(1))):
            timer = threading.Timer(seconds, call)
            timer.daemon = True
            timer.start()

    def _interrupt(self) -> None:
        """Running jobs have had their time: they are given back."""
        self._is_out_of_grace = True
        logger.info("worker stopping: running jobs go back to the queue")
        interrupt()

    async def _work(self, stop: asyncio.Event) -> None:
        engine = self._engine()
        async with engine.open_async():
            logger.info("worker begins", extra={"fields": {"queues": self._queues}})
            tasks = [asyncio.create_task(self._look_after_others())]
            tasks += [
                asyncio.create_task(
                    engine.run_worker_async(
                        queues=[queue],
                        concurrency=most,
                        name=queue,
                        install_signal_handlers=False,
                        delete_jobs="successful",
                        update_heartbeat_interval=conf().job_lease / 3,
                        stalled_worker_timeout=conf().job_lease,
                        fetch_job_polling_interval=min(5.0, conf().job_lease),
                    )
                )
                for queue, most in self._queues.items()
            ]
            self._loop = asyncio.get_running_loop()
            try:
                await _first(stop.wait(), *tasks)
            finally:
                self._loop = None
                for each in tasks:
                    each.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure

    async def _look_after_others(self) -> None:
        while True:
            await asyncio.to_thread(with_connections, requeue_lost)
            await asyncio.sleep(conf().job_lease / 3)

    def _engine(self) -> procrastinate.App:
        """One of its own: the site's puts jobs into Django's transactions, and can't wait for any."""
        connector: Any = site.connector.get_worker_connector()  # type: ignore[attr-defined]
        connector._pool_args |= {"min_size": 1, "max_size": CONNECTIONS}
        engine = procrastinate.App(connector=connector)
        for task in TASKS.values():
            engine.task(name=task.name, queue=task.queue, pass_context=True)(self._runner(task))
        for what, (seconds, work) in PERIODIC.items():
            name = f"every {what}"
            periodic = engine.task(name=name, queue=SHARED, lock=name, queueing_lock=name)(_now_and_then(what, work))
            engine.periodic(cron=cron(seconds))(periodic)
        return engine

    def _runner(self, task: Task) -> Callable[..., None]:
        def run(context: JobContext, **args: Any) -> None:
            with_connections(lambda: self._do(task, args))

        return run

    def _do(self, task: Task, args: dict[str, Any]) -> None:
        job = of(args)
        try:
            again = perform(task, job, lambda: self._is_out_of_grace)
        except HandedBack:
            add(task, job)
        else:
            if again is not None:
                add(task, replace(job, tries=job.tries + 1), again)


def _now_and_then(what: str, work: Callable[[], object]) -> Callable[[int], None]:
    done = housekeeping.Task(what, 0, work)

    def run(timestamp: int) -> None:
        done.run()

    return run


async def _first(*awaited: Any) -> None:
    """Returns when one of them is done; the others, but for tasks, are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in awaited]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task, each in zip(tasks, awaited, strict=True):
            if task is not each:
                task.cancel()


def cron(seconds: float) -> str:
    """That often, as croniter has it: its sixth field is seconds. Raises `ValueError` for what no clock divides."""
    whole = round(seconds)
    if whole == seconds and whole > 0:
        if 60 % whole == 0:
            return f"* * * * * */{whole}"
        if whole % 60 == 0 and 60 % (whole // 60) == 0:
            return f"*/{whole // 60} * * * *"
        if whole % 3600 == 0 and 24 % (whole // 3600) == 0:
            return f"0 */{whole // 3600} * * *"
    raise ValueError(f"{seconds} seconds divide no minute, hour or day")
