from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

from django.apps import AppConfig, apps
from django.conf import settings

CLEAR_EVERY: Final = 3600.0  # seconds


class LiveviewConfig(AppConfig):
    name = "liveview"

    def ready(self) -> None:
        from liveview import checks, housekeeping, jobs  # noqa: F401  (registers them)
        from liveview.jobs import checks as checks_of_jobs  # noqa: F401

        housekeeping.every(jobs.LOOK_EVERY, "looking whether jobs are done", jobs.look)
        housekeeping.every(jobs.LOOK_EVERY, "enqueuing what is left", jobs.enqueue_left)
        if apps.is_installed("django.contrib.sessions"):
            jobs.every(CLEAR_EVERY, "clearing expired sessions", clear_sessions)
        if has_server():
            self._adopt_server()
        if settings.DEBUG:
            from liveview.socket import reloading

            reloading.watch()

    def _adopt_server(self) -> None:
        from liveview.daphne import checks  # noqa: F401

        if apps.is_installed("daphne"):
            from liveview.daphne.starting import adopt_runserver

            adopt_runserver()


def clear_sessions() -> None:
    """As `manage.py clearsessions`: visitors without an account leave one each."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def has_server() -> bool:
    """Whether the folder `daphne` is here: a project that runs another server may leave it out."""
    found = find_spec("liveview.daphne")
    return found is not None and found.origin is not None  # without: a folder that only holds bytecode
