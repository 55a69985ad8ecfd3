from __future__ import annotations

from django.apps import AppConfig


class Jobs(AppConfig):
    name = "e2e.jobs"
    label = "lab"

    def ready(self) -> None:
        from e2e.jobs import work
        from liveview import jobs
        from liveview.jobs import contract

        contract.pause = lambda tries: 0.1
        jobs.at_stop(work.stop)
        jobs.every(1, "ticking", work.tick)
