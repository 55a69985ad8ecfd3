from __future__ import annotations

from typing import Final

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

SWEEP_EVERY: Final = 600.0  # seconds; it may ask a storage that is billed by the request


class VideosConfig(AppConfig):
    name = "videos"
    verbose_name = _("Videos")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from liveview import housekeeping, jobs
        from uploads import content
        from videos import checks, intake, processing  # noqa: F401  (registers the checks)

        intake.register()
        jobs.at_stop(content.SANDBOX.stop)
        jobs.every(SWEEP_EVERY, "removing received videos that nobody knows", processing.sweep)
        jobs.every(60, "removing overdue videos", processing.expire)
        housekeeping.every(SWEEP_EVERY, "removing what nobody knows of videos here", processing.sweep_here)
