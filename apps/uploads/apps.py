from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig


class UploadsConfig(AppConfig):
    name = "uploads"

    def ready(self) -> None:
        from uploads import checks  # noqa: F401  (registers them)

        if find_spec("uploads.fallback") is not None:  # a folder that a project may have left out
            import_module("uploads.fallback").register()
