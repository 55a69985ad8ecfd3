"""The servers that a project can be run by: docs/your-project.md has the same list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Server:
    """What to install for it, and the command that starts it, with the name of the application left out."""

    packages: str
    start: str

    @property
    def is_daphne(self) -> bool:
        return "daphne" in self.packages


SERVERS: Final = {
    "daphne": Server('"daphne>=4.2.3,<5"', "python manage.py runserver"),
    "uvicorn": Server('"uvicorn[standard]"', "uvicorn {}"),
    "gunicorn": Server("gunicorn uvicorn-worker websockets", "gunicorn {} -k uvicorn_worker.UvicornWorker"),
    "hypercorn": Server("hypercorn", "hypercorn {}"),
    "granian": Server("granian", "granian --interface asginl {}"),
}
