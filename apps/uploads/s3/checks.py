"""System checks of `UPLOADS["S3"]` and `UPLOADS["S3_EVENTS"]`."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from liveview.setting_types import mistyped
from uploads.conf import conf
from uploads.s3.options import options


@register("uploads")
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        given = conf()
        if mistyped("UPLOADS", given, check_id=""):
            return []  # uploads.checks says why
    except TypeError:
        return []
    found: list[CheckMessage] = []
    try:
        if given.s3:
            found += mistyped('UPLOADS["S3"]', options(), check_id="uploads.E004")
        if given.s3_events:
            from uploads.s3.notifications.event_options import event_options  # with cryptography

            found += mistyped('UPLOADS["S3_EVENTS"]', event_options(), check_id="uploads.E004")
        if given.staging == "bucket" and not options().bucket:
            found.append(
                Error(
                    'UPLOADS["STAGING"] is "bucket", and there is none.',
                    hint='UPLOADS = {"STAGING": "bucket", "S3": {"BUCKET": "a-bucket"}}, or AWS_STORAGE_BUCKET_NAME.',
                    id="uploads.E012",
                )
            )
    except ImproperlyConfigured as wrong:
        found.append(Error(str(wrong), id="uploads.E003"))
    return found
