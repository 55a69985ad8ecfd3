"""Removes what interrupted uploads left: expired records, staging files and multipart uploads that nobody writes to."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from uploads import janitor


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        removed = [f"{count} {what}" for what, count in janitor.prune().items()]
        self.stdout.write(f"{', '.join(removed[:-1])} and {removed[-1]} removed.")
