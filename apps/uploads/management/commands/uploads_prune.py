"""Removes what interrupted uploads left: expired records, and staging files that nobody writes to any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from uploads import janitor


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        records, files = janitor.prune()
        self.stdout.write(f"{records} expired records and {files} stale files removed.")
