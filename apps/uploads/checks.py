"""System checks: what a project that copied this package may have forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from uploads.conf import conf


@register("uploads")
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        staging = conf().staging_dir
    except TypeError as wrong:
        return [Error(f"UPLOADS has a key it doesn't know: {wrong}", id="uploads.E001")]
    media = Path(settings.MEDIA_ROOT).resolve() if settings.MEDIA_ROOT else None
    if media is not None and staging.resolve().is_relative_to(media):
        return [
            CheckWarning(
                "UPLOADS['STAGING_DIR'] is inside MEDIA_ROOT: unchecked files could be fetched.",
                hint="Move it beside MEDIA_ROOT, on the same file system.",
                id="uploads.W001",
            )
        ]
    return []
