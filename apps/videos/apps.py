from __future__ import annotations

from typing import Final

from django.apps import AppConfig

TAKE_UP_EVERY: Final = 60.0  # seconds


class VideosConfig(AppConfig):
    name = "videos"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from liveview import housekeeping
        from videos import checks, intake, processing  # noqa: F401  (registers the checks)

        intake.register()
        housekeeping.every(TAKE_UP_EVERY, "taking up interrupted videos", processing.resume)
