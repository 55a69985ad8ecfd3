from __future__ import annotations

from django.apps import AppConfig


class OtherWaysConfig(AppConfig):
    name = "otherways"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from otherways import intake

        intake.register()
