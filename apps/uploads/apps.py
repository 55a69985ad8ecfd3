from __future__ import annotations

from importlib import import_module
from typing import Final

from django.apps import AppConfig
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext_lazy as _

# Folders that a copy of this app may do without. What one adds to the rest is in its `ready.py`.
OPT_IN: Final = ("content", "fallback", "http", "s3")


class UploadsConfig(AppConfig):
    name = "uploads"
    verbose_name = _("Uploads")

    def ready(self) -> None:
        from liveview import housekeeping, jobs
        from uploads import checks, janitor, sentences, speech  # noqa: F401  (registers them)

        sentences.speak(speech.ActiveLanguage())
        housekeeping.every(janitor.EVERY, "keeping what pages need", janitor.keep)
        housekeeping.every(janitor.EVERY, "removing what nobody needs here", janitor.come)
        jobs.every(janitor.OFTEN, "removing expired records", janitor.prune_records)
        assert self.module is not None
        for folder in OPT_IN:
            if module_has_submodule(self.module, f"{folder}.ready"):
                import_module(f"{self.name}.{folder}.ready")
