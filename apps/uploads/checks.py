"""System checks: what a project that copied this package may have missed, with the line to paste."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, default_storage
from django.template.loader import render_to_string

from liveview.checks import answering
from liveview.conf import conf as liveview_conf
from liveview.setting_types import mistyped
from uploads import intakes
from uploads.conf import MAX_FRAME, Conf, conf
from uploads.serving.views import serve
from uploads.staging import choice

MEDIA_LINE: Final = 'path("", include("uploads.urls"))'
_FOLDER: Final = re.compile(r"(?:[^./\\\0-\x1f\x7f][^/\\\0-\x1f\x7f]*/)+")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\sA-Z/,]+")


@register("uploads")
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        given = conf()
    except TypeError as wrong:
        return [Error(f"UPLOADS has a key it doesn't know: {wrong}", id="uploads.E001")]
    return mistyped("UPLOADS", given, check_id="uploads.E004") or [
        *_check_folders(given),
        *_check_frame(given),
        *_check_origins(given),
        *_check_public(given),
        *_check_intakes(given),
        *_check_store(given),
        *_check_place(given),
        *_check_staging(given),
    ]


def _check_folders(given: Conf) -> list[CheckMessage]:
    """Settings of a folder that was deleted would be ignored without a word."""
    found = find_spec("uploads.s3")
    if found is not None and found.origin is not None:  # without one it is a folder without modules
        return []
    return [
        Error(
            f'UPLOADS["{key}"] is set, and this copy of uploads has no folder s3/.',
            hint=f'Copy uploads/s3/ as well, or remove "{key}" from UPLOADS.',
            id="uploads.E009",
        )
        for key, value in (("S3", given.s3), ("S3_EVENTS", given.s3_events))
        if value
    ]


def _check_frame(given: Conf) -> list[CheckMessage]:
    if given.max_frame <= MAX_FRAME:
        return []
    return [
        Error(
            f'UPLOADS["MAX_FRAME"] is {given.max_frame} bytes: above {MAX_FRAME} the server drops the connection.',
            hint=f'UPLOADS = {{"MAX_FRAME": {MAX_FRAME - 1024}}}; where the environment says it, '
            f"UPLOADS_MAX_FRAME={MAX_FRAME - 1024}",
            id="uploads.E005",
        )
    ]


def _check_origins(given: Conf) -> list[CheckMessage]:
    origins: Any = given.allowed_origins
    if isinstance(origins, list | tuple | set | frozenset):
        wrong = [each for each in origins if not isinstance(each, str) or not _ORIGIN.fullmatch(each)]
        if not wrong:
            return []
    else:
        wrong = [origins]
    return [
        Error(
            f'UPLOADS["ALLOWED_ORIGINS"] has {wrong[0]!r}, which no browser calls a site: an origin is a scheme and a '
            "host in small letters, perhaps a port, and no more.",
            hint='UPLOADS = {"ALLOWED_ORIGINS": ["https://app.example.com"]}; where the environment says it, '
            "UPLOADS_ALLOWED_ORIGINS='[\"https://app.example.com\"]'",
            id="uploads.E006",
        )
    ]


def _check_public(given: Conf) -> list[CheckMessage]:
    folders: Any = given.public
    if isinstance(folders, list | tuple):
        wrong = [each for each in folders if not isinstance(each, str) or not _FOLDER.fullmatch(each)]
        if not wrong:
            return []
    else:
        wrong = [folders]
    return [
        Error(
            f'UPLOADS["PUBLIC"] has {wrong[0]!r}: it lists folders below MEDIA_ROOT, each with a slash at its end and '
            "none before it.",
            hint='UPLOADS = {"PUBLIC": ["avatars/"]}; where the environment says it, UPLOADS_PUBLIC=\'["avatars/"]\'',
            id="uploads.E010",
        )
    ]


def _check_intakes(given: Conf) -> list[CheckMessage]:
    """Apps have registered theirs by now, in `AppConfig.ready`."""
    names = intakes.names()
    return [
        Error(
            f'UPLOADS["{key}"] is {name!r}, and no app has registered an intake of that name.',
            hint=f'UPLOADS = {{"{key}": "{names[0]}"}}; where the environment says it, UPLOADS_{key}={names[0]}. '
            f"There are: {', '.join(names)}."
            if names
            else "In an app's AppConfig.ready: uploads.intakes.register(…)",
            id="uploads.E007",
        )
        for key, name in (("INTAKE", given.intake), ("TUS_INTAKE", given.tus_intake))
        if name and name not in names
    ]


def _check_store(given: Conf) -> list[CheckMessage]:
    from uploads.stores.choice import expect_store

    try:
        if given.upload_state_store:
            expect_store(given.upload_state_store)
    except ImproperlyConfigured as wrong:
        return [
            Error(
                f'UPLOADS["UPLOAD_STATE_STORE"] can\'t be used: {wrong}.',
                hint='"database", "redis", "memory", or the dotted path of a class: '
                'UPLOADS = {"UPLOAD_STATE_STORE": "database"}; where the environment says it, '
                "UPLOADS_UPLOAD_STATE_STORE=database",
                id="uploads.E008",
            )
        ]
    return []


def _check_place(given: Conf) -> list[CheckMessage]:
    if given.staging in choice.names():
        return []
    return [
        Error(
            f'UPLOADS["STAGING"] is {given.staging!r}, and there is no such place.',
            hint=f'UPLOADS = {{"STAGING": "disk"}}; where the environment says it, UPLOADS_STAGING=disk. '
            f"There are: {', '.join(choice.names())}.",
            id="uploads.E011",
        )
    ]


def _check_staging(given: Conf) -> list[CheckMessage]:
    media = Path(settings.MEDIA_ROOT).resolve() if settings.MEDIA_ROOT else None
    if media is None or not given.staging_dir.resolve().is_relative_to(media):
        return []
    return [
        CheckWarning(
            "UPLOADS['STAGING_DIR'] is inside MEDIA_ROOT: unchecked files could be fetched.",
            hint="Move it beside MEDIA_ROOT, on the same file system.",
            id="uploads.W001",
        )
    ]


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
    """A layout that can't be rendered without a request is assumed to be complete."""
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
    """Whether published files have a folder and a URL, if they are on the site's own disk."""
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
    found = answering(f"{settings.MEDIA_URL}folder/{'0' * 32}.png")
    if found is None:
        return [
            CheckWarning(
                "Nothing serves MEDIA_URL: uploaded files can't be shown.",
                hint=f"In urls.py: {MEDIA_LINE}. Where your web server does it, silence this.",
                id="uploads.W004",
            )
        ]
    if found.func is serve:
        return []
    told = f"Another view serves uploaded files: {found._func_path}, by the pattern {found.route!r}. "
    return [
        CheckWarning(
            told + "Browsers may not be able to seek in videos, and a file could be shown as a page.",
            hint=f"In urls.py, put this line before that pattern: {MEDIA_LINE}. It answers for uploaded files alone.",
            id="uploads.W005",
        )
    ]
