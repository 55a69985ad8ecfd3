"""System checks: what a project that copied this app may have forgotten, with the line to paste."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from liveview.checks import check_address
from liveview.conf import conf as liveview_conf
from liveview.setting_types import mistyped
from videos import received
from videos.conf import Conf, conf


@register("videos")
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        given = conf()
    except TypeError as wrong:
        return [Error(f"VIDEOS has a key it doesn't know: {wrong}", id="videos.E001")]
    found = mistyped("VIDEOS", given, check_id="videos.E004")
    if find_spec("av") is None:
        found.append(
            Error(
                "Videos can't be processed: PyAV is missing.",
                hint='pip install "av>=18.1"',
                id="videos.E002",
            )
        )
    if settings.MEDIA_ROOT and given.folder.resolve().is_relative_to(settings.MEDIA_ROOT):
        found.append(
            CheckWarning(
                "VIDEOS['FOLDER'] is inside MEDIA_ROOT: what visitors sent could be fetched as they sent it.",
                hint="Move it beside MEDIA_ROOT, on the same file system.",
                id="videos.W001",
            )
        )
    return [*found, *_check_workers(given)]


def _check_workers(given: Conf) -> list[CheckMessage]:
    try:
        has_workers = liveview_conf().jobs != "threads"
    except TypeError:  # told by a check of liveview
        return []
    if not has_workers or given.shared_folder or not received.are_here():
        return []
    return [
        CheckWarning(
            "Workers process videos, and what was received waits on the disk of whichever process received it.",
            hint="A storage that all machines reach: a bucket, on this site AWS_STORAGE_BUCKET_NAME. Where they all "
            'share VIDEOS["FOLDER"], say so: VIDEOS = {"SHARED_FOLDER": True}; where the environment says it, '
            "VIDEOS_SHARED_FOLDER=true",
            id="videos.W003",
        )
    ]


@register("videos")
def check_installation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not apps.is_installed("uploads"):
        found.append(
            Error(
                "Videos need the app uploads.",
                hint='INSTALLED_APPS = ["daphne", *INSTALLED_APPS, "liveview", "uploads", "videos"]',
                id="videos.E003",
            )
        )
    return [*found, *check_address("videos:videos", app="videos", check_id="videos.W002")]
