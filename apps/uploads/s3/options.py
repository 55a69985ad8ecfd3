"""Where the bucket is and how to talk to it: `UPLOADS["S3"]`, else the settings that django-storages has."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from uploads.conf import conf

MIB: Final = 1024 * 1024
SMALLEST_PART: Final = 5 * MIB  # S3 rejects a smaller one, except for the last
MAX_PARTS: Final = 10_000  # of one multipart upload; S3's own limit

# Settings of django-storages; the first that is set wins.
_AWS: Final[dict[str, tuple[str, ...]]] = {
    "bucket": ("AWS_STORAGE_BUCKET_NAME",),
    "endpoint_url": ("AWS_S3_ENDPOINT_URL",),
    "region": ("AWS_S3_REGION_NAME",),
    "addressing_style": ("AWS_S3_ADDRESSING_STYLE",),
    "access_key_id": ("AWS_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"),
    "secret_access_key": ("AWS_S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"),
    "session_token": ("AWS_SESSION_TOKEN",),
}


@dataclass(frozen=True, slots=True, repr=False)
class S3Options:
    """Empty values are left to boto3: its environment variables, its config files, the instance's role.

    Sizes are bytes, times are seconds.
    """

    bucket: str = ""
    endpoint_url: str = ""  # of a storage other than Amazon's
    region: str = ""
    addressing_style: str = ""  # "path" or "virtual"; many S3-compatible storages need "path"
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    prefix: str = "uploads/"  # of the keys of uploads
    part_size: int = 8 * MIB  # of a multipart upload; larger if a file would have too many parts
    max_parts: int = MAX_PARTS
    parallel_parts: int = 3  # of one upload that are sent at the same time
    connect_timeout: float = 5
    read_timeout: float = 30
    attempts: int = 4  # of one request, including the first


def options() -> S3Options:
    """Raises `ImproperlyConfigured` for an unknown key of `UPLOADS["S3"]`."""
    given: dict[str, Any] = {key.lower(): value for key, value in conf().s3.items()}
    unknown = given.keys() - {field.name for field in fields(S3Options)}
    if unknown:
        raise ImproperlyConfigured(f"UPLOADS['S3'] has no {', '.join(sorted(map(str.upper, unknown)))}")
    for option, names in _AWS.items():
        found = next(filter(None, (getattr(settings, name, None) for name in names)), None)
        if found and not given.get(option):
            given[option] = found
    return S3Options(**{key: value for key, value in given.items() if value is not None})
