"""`manage.py copyapp gallery ../mysite`: see `copying.cli`, which also runs without Django as `bin/copyapp`."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from copying import cli


class Command(BaseCommand):
    help = "Copies an app into another project, and keeps the copy current."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(cli.main(argv[2:], prog=f"{argv[0]} {argv[1]}"))

    def handle(self, *args: Any, **options: Any) -> None:
        cli.main(args)
