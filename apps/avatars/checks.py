"""System checks: what a project that copied this app may have forgotten, with the line to paste."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Info, register

from avatars.conf import conf
from liveview.checks import check_address
from liveview.setting_types import mistyped


@register("avatars")
def check_installation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    try:
        found += mistyped("AVATARS", conf(), check_id="avatars.E004")
    except TypeError as wrong:
        found.append(Error(f"AVATARS has a key it doesn't know: {wrong}", id="avatars.E003"))
    if not apps.is_installed("uploads"):
        found.append(
            Error(
                "Avatars need the app uploads.",
                hint='INSTALLED_APPS = ["daphne", *INSTALLED_APPS, "liveview", "uploads", "avatars"]',
                id="avatars.E001",
            )
        )
    if find_spec("PIL") is None:
        found.append(
            Error("Pictures can't be read: Pillow is missing.", hint='pip install "pillow>=12.3"', id="avatars.E002")
        )
    if find_spec("pillow_heif") is None:
        found.append(
            Info(
                "HEIC, in which iPhones take their photos, is refused: pillow-heif is missing.",
                hint='pip install "pillow-heif>=1.1"',
                id="avatars.I001",
            )
        )
    return [*found, *check_address("avatars:avatar", app="avatars", check_id="avatars.W001")]
