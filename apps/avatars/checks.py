"""System checks: what a project that copied this app may have forgotten, with the line to paste."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch, reverse


@register("avatars")
def check_installation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
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
    try:
        reverse("avatars:avatar")
    except NoReverseMatch:
        found.append(
            CheckWarning(
                "No address leads to the avatars.",
                hint='In urls.py: path("avatars/", include("avatars.urls"))',
                id="avatars.W001",
            )
        )
    return found
