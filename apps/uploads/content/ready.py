"""What this folder adds to the app: its checks; the app's signal tells of children that died over a file, a judge's
thread that waits for a child leaves its place to others, and children know whose file they get.
"""

from __future__ import annotations

from uploads import events, threads
from uploads.content.sandbox import checks, pool, turns  # noqa: F401  (the first registers itself)


def _tell(job: str) -> None:
    events.child_died.send_robust(sender=pool.Sandbox, job=job)


pool.on_death(_tell)
pool.while_waiting(threads.resting)
threads.judge_for(lambda visitor, network: turns.acting_for(turns.Sender(visitor, network)))
