"""What this folder adds to the app: its checks, and that the app's signal tells of children that died over a file."""

from __future__ import annotations

from uploads import events
from uploads.content.sandbox import checks, pool  # noqa: F401  (the former registers itself)


def _tell(job: str) -> None:
    events.child_died.send_robust(sender=pool.Sandbox, job=job)


pool.on_death(_tell)
