"""Does the jobs of `liveview.jobs` until it is told to stop, where these are done beside the server."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from liveview.conf import conf


class Command(BaseCommand):
    help = "Does the background jobs that wait in PostgreSQL, until SIGTERM. As many as you like may run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--health",
            metavar="HOST:PORT",
            help="Answer there by HTTP: / is 200 while this worker works, else 503.",
        )
        parser.add_argument(
            "--serve",
            metavar="PATH",
            action="append",
            default=[],
            help="With --health: a path that is answered there as the site does, such as /metrics.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if conf().jobs != "procrastinate":
            raise CommandError(
                "Jobs are done in the server's own process here, so there is nothing for a worker to do. "
                'Where workers are to do them: LIVEVIEW = {"JOBS": "procrastinate"}.'
            )
        from liveview.jobs.health import Health
        from liveview.jobs.worker import Worker

        worker = Worker()
        if options["health"]:
            host, _, port = options["health"].rpartition(":")
            if not port.isdecimal():
                raise CommandError("--health is HOST:PORT, such as 0.0.0.0:9000.")
            try:
                Health(worker.is_working, options["serve"]).listen(host.strip("[]"), int(port))
            except OSError as taken:
                raise CommandError(f"--health {options['health']}: {taken}") from None
        worker.run()
