"""System checks: what a project that copied this app may have forgotten."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from videos.conf import conf


@register("videos")
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        folder = conf().folder.resolve()
    except TypeError as wrong:
        return [Error(f"VIDEOS has a key it doesn't know: {wrong}", id="videos.E001")]
    found: list[CheckMessage] = []
    if find_spec("av") is None:
        found.append(
            Error(
                "Videos can't be processed: PyAV is missing.",
                hint="Install `av`, version 18 or newer.",
                id="videos.E002",
            )
        )
    if settings.MEDIA_ROOT and folder.is_relative_to(settings.MEDIA_ROOT):
        found.append(
            CheckWarning(
                "VIDEOS['FOLDER'] is inside MEDIA_ROOT: what visitors sent could be fetched as they sent it.",
                hint="Move it beside MEDIA_ROOT, on the same file system.",
                id="videos.W001",
            )
        )
    return found
