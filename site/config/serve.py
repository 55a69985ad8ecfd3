"""Brings the database up to date and serves the site: `python -m config.serve [options of python -m liveview.daphne]`.

In one process, because loading the applications is most of what a start takes.
"""

from __future__ import annotations

import os
import runpy

import django
from django.core.management import call_command
from django.db import connections


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("migrate", interactive=False, verbosity=0, skip_checks=False)
    connections.close_all()
    runpy.run_module("liveview.daphne", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
