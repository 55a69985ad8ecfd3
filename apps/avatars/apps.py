from __future__ import annotations

from django.apps import AppConfig


class AvatarsConfig(AppConfig):
    name = "avatars"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from avatars import checks  # noqa: F401  (registers them)
        from avatars.models import prune
        from liveview import jobs

        jobs.every(60, "removing overdue avatars", prune)
