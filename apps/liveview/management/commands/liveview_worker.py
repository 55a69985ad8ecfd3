"""Does the jobs of `liveview.jobs` until it is told to stop, where these are done beside the server."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from liveview.conf import conf


class Command(BaseCommand):
    help = "Does the background jobs that wait in PostgreSQL, until SIGTERM. As many as you like may run."

    def handle(self, *args: Any, **options: Any) -> None:
        if conf().jobs != "procrastinate":
            raise CommandError(
                "Jobs are done in the server's own process here, so there is nothing for a worker to do. "
                'Where workers are to do them: LIVEVIEW = {"JOBS": "procrastinate"}.'
            )
        from liveview.jobs.worker import Worker

        Worker().run()
