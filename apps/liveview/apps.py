from __future__ import annotations

from django.apps import AppConfig


class LiveviewConfig(AppConfig):
    name = "liveview"

    def ready(self) -> None:
        from liveview import checks  # noqa: F401  (registers them)
