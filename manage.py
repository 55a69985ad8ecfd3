#!/usr/bin/env python
"""Django's command line, with `site/` and `apps/` on the path as pyproject.toml and the Procfile have them."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    sys.path[:0] = [str(HERE / "site"), str(HERE / "apps")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if not os.environ.get("SECRET_KEY"):
        # A host sets SECRET_KEY; a developer's machine doesn't. Servers started without manage.py stay strict.
        os.environ["DEBUG"] = os.environ.get("DEBUG") or "1"
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
