from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AvatarsConfig(AppConfig):
    name = "avatars"
    verbose_name = _("Avatars")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from avatars import checks  # noqa: F401  (registers them)
        from avatars.models import prune
        from liveview import jobs

        jobs.every(60, "removing overdue avatars", prune)
