"""System checks: what a project that copied this package may have forgotten, with the line to paste."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, default_storage
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from liveview.conf import conf as liveview_conf
from uploads.conf import conf


@register("uploads")
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        staging = conf().staging_dir
    except TypeError as wrong:
        return [Error(f"UPLOADS has a key it doesn't know: {wrong}", id="uploads.E001")]
    if wrong_events := _wrong_events():
        return [Error(wrong_events, id="uploads.E003")]
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


def _wrong_events() -> str:
    if not conf().s3_events:
        return ""
    from uploads.s3.event_options import event_options  # needs what only the webhook needs

    try:
        event_options()
    except ImproperlyConfigured as wrong:
        return str(wrong)
    return ""


@register("uploads")
def check_installation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not apps.is_installed("liveview"):
        return [
            Error(
                "Uploads travel over liveview's socket, and liveview isn't installed.",
                hint='INSTALLED_APPS = ["daphne", *INSTALLED_APPS, "liveview", "uploads"]',
                id="uploads.E002",
            )
        ]
    return [*_check_layout(), *_check_media()]


def _check_layout() -> list[CheckMessage]:
    """A layout that can't be rendered here, without a request, is taken to be complete."""
    try:
        page = render_to_string(liveview_conf().layout, {"live_view": "", "page_title": ""})
    except Exception:  # noqa: BLE001  (whatever a project's own tags raise)
        return []
    if "uploads/client" in page:
        return []
    return [
        CheckWarning(
            "The layout around LiveViews doesn't load the uploads' script: only forms without JavaScript work.",
            hint='LIVEVIEW = {"LAYOUT": "uploads/layout.html"}, or in a layout of your own: '
            '<script type="module" src="{% static \'uploads/client.js\' %}"></script>',
            id="uploads.W002",
        )
    ]


def _check_media() -> list[CheckMessage]:
    """Whether published files have a place and an address, where they are on the site's own disk."""
    if not isinstance(default_storage, FileSystemStorage) or not settings.MEDIA_URL.startswith("/"):
        return []
    if not settings.MEDIA_ROOT or settings.MEDIA_URL == "/":
        return [
            CheckWarning(
                "There is no place for uploaded files: MEDIA_ROOT or MEDIA_URL isn't set.",
                hint='MEDIA_URL = "media/" and MEDIA_ROOT = BASE_DIR / "media"',
                id="uploads.W003",
            )
        ]
    try:
        resolve(f"{settings.MEDIA_URL}folder/{'0' * 32}.png")
    except Resolver404:
        return [
            CheckWarning(
                "Nothing serves MEDIA_URL: uploaded files can't be shown.",
                hint='In urls.py: path("", include("uploads.urls")). Where your web server does it, silence this.',
                id="uploads.W004",
            )
        ]
    return []
