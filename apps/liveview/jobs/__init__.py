"""Work that outlives a page, and the process that began it: videos to pack anew, mails, what is done every hour.

    @jobs.task(left=unsent)
    def send(letter: int) -> None: ...

    send.enqueue(letter.pk, share=owner)  # when the transaction around it is committed

    jobs.every(3600, "clearing expired sessions", clear_sessions)  # in one process of all

`LIVEVIEW["JOBS"]` says who does it: threads of the server's own process (`threads.py`), or workers beside it, by way of
Procrastinate in the site's PostgreSQL (`procrastinate.py`, `worker.py`). Either way

- the truth is in the application's rows, and a job is a hint to look there: `left` names what is still to be done,
  and what has got no job, or has lost it with its process, gets one;
- a job runs at least once, so its task may find that all is done already, or that another is at it;
- whoever has the least of the work behind them is next, and nobody has two jobs of a queue running at a time;
- a task that raises is tried again later, a few times; then `given_up` is told.
"""

from __future__ import annotations

from liveview.jobs.contract import Backend, Job, Overview, Task
from liveview.jobs.declared import LOOK_EVERY, at_stop, backend, enqueue_left, every, look, task

__all__ = [
    "LOOK_EVERY",
    "Backend",
    "Job",
    "Overview",
    "Task",
    "at_stop",
    "backend",
    "enqueue_left",
    "every",
    "look",
    "task",
]
