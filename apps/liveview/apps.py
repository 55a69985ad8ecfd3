from __future__ import annotations

from importlib.util import find_spec

from django.apps import AppConfig, apps


class LiveviewConfig(AppConfig):
    name = "liveview"

    def ready(self) -> None:
        from liveview import checks  # noqa: F401  (registers them)

        if has_server():
            self._adopt_server()

    def _adopt_server(self) -> None:
        from liveview.daphne import checks  # noqa: F401

        if apps.is_installed("daphne"):
            from liveview.daphne.starting import adopt_runserver

            adopt_runserver()


def has_server() -> bool:
    """Whether the folder `daphne` is here: a project that runs another server may leave it out."""
    found = find_spec("liveview.daphne")
    return found is not None and found.origin is not None  # without: a folder that only holds bytecode
