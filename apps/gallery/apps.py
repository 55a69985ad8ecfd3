from __future__ import annotations

from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "gallery"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from gallery import checks  # noqa: F401  (registers them)
        from gallery.models import prune
        from liveview import jobs

        jobs.every(60, "removing overdue photos", prune)
