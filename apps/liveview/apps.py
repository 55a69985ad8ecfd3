from __future__ import annotations

from django.apps import AppConfig, apps


class LiveviewConfig(AppConfig):
    name = "liveview"

    def ready(self) -> None:
        from liveview import checks  # noqa: F401  (registers them)
        from liveview.daphne import checks as server_checks  # noqa: F401

        if apps.is_installed("daphne"):
            from liveview.daphne.starting import adopt_runserver

            adopt_runserver()
