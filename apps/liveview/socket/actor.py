"""Runs jobs one after the other, and background tasks beside them, until it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

logger = logging.getLogger("liveview")

Job: TypeAlias = Callable[[], Awaitable[object]]

GRACE = 5.0  # seconds for a running job to finish after the end; daphne kills after 10


class Actor:
    """For the event loop only. `failed` is told what a job raises; no failure ends the actor.

    `may_go_on` is awaited before each job.
    """

    def __init__(self, failed: Callable[[Exception], None], may_go_on: Callable[[], Awaitable[None]]) -> None:
        self.is_over = False
        self._failed, self._may_go_on = failed, may_go_on
        self._jobs: asyncio.Queue[Job | None] = asyncio.Queue()
        self._runner: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()

    @property
    def waiting(self) -> int:
        """Jobs whose turn hasn't come."""
        return self._jobs.qsize()

    def start(self) -> None:
        self._runner = asyncio.ensure_future(self._run())

    def put(self, job: Job) -> None:
        self._jobs.put_nowait(job)

    def put_later(self, seconds: float, job: Job) -> None:
        def due() -> None:
            self._timers.discard(timer)
            self.put(job)

        timer = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(timer)

    async def in_turn(self, job: Callable[[], Awaitable[bool]]) -> bool:
        """What the job returned, once its turn has come; False if it raised."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            value = False
            try:
                value = await job()
            finally:
                if not done.done():
                    done.set_result(value)

        self.put(work)
        return await done

    def spawn(self, work: Awaitable[None]) -> None:
        """Runs in the background, for as long as the actor lives."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def end(self) -> None:
        """Jobs that are still waiting won't run."""
        self.is_over = True

    async def ended(self) -> None:
        """Ends, and waits for a job that is running."""
        self.end()
        self._jobs.put_nowait(None)
        try:
            if self._runner is not None:
                await asyncio.wait({self._runner}, timeout=GRACE)
                self._runner.cancel()
        finally:
            for timer in self._timers:
                timer.cancel()
            for task in self._tasks:
                task.cancel()

    async def _run(self) -> None:
        while (job := await self._jobs.get()) is not None and not self.is_over:
            await self._may_go_on()
            if self.is_over:
                return
            try:
                await job()
            except Exception as raised:  # noqa: BLE001
                self._failed(raised)

    def _spawned(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (raised := task.exception()):
            logger.error("background task of a view failed", exc_info=raised)
