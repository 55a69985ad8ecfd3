from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OtherWaysConfig(AppConfig):
    name = "otherways"
    verbose_name = _("Other ways")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from liveview import jobs
        from otherways import intake
        from otherways.models import prune

        intake.register()
        jobs.every(60, "removing received files that were kept for long enough", prune)
