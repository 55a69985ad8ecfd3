"""The client for S3, and its failures in the form that a visitor may see.

Any S3-compatible storage will do. Requests block: call them in threads.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from liveview.process import here
from uploads.errors import UploadError
from uploads.s3.options import S3Options, options

logger = logging.getLogger("uploads.s3")

MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
POOL: Final = 32  # connections of one process; further requests wait for a free one


def client() -> Any:
    """The boto3 client of the site's settings, made once; threads may share it."""
    return here(Clients).get(options())


def bucket() -> str:
    """Raises `ImproperlyConfigured` where none is set."""
    name = options().bucket
    if not name:
        raise ImproperlyConfigured("Set UPLOADS['S3']['BUCKET'] or AWS_STORAGE_BUCKET_NAME.")
    return name


@contextmanager
def translated() -> Iterator[None]:
    """Turns what boto3 raises into `UploadError("storage_unavailable")`.

    boto3's exceptions name buckets, keys and roles: only their kind is logged, and nothing of them is shown.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as failure:
        logger.warning("S3 request failed: %s", code_of(failure))
        raise UploadError("storage_unavailable") from None


def code_of(failure: Exception) -> str:
    """S3's error code, such as `NoSuchUpload`, or the exception's name if there was no response."""
    if isinstance(failure, ClientError):
        return str(failure.response.get("Error", {}).get("Code", "")) or "ClientError"
    return type(failure).__name__


class Clients:
    """One for each set of options: making one takes longer than most requests."""

    def __init__(self) -> None:
        self._made: dict[S3Options, Any] = {}
        self._lock = threading.Lock()  # boto3's sessions, unlike its clients, must not be shared by threads

    def get(self, wanted: S3Options) -> Any:
        with self._lock:
            if wanted not in self._made:
                self._made[wanted] = _make(wanted)
            return self._made[wanted]


def _make(wanted: S3Options) -> Any:
    session = boto3.session.Session(
        aws_access_key_id=wanted.access_key_id or None,
        aws_secret_access_key=wanted.secret_access_key or None,
        aws_session_token=wanted.session_token or None,
        region_name=wanted.region or None,
    )
    config = Config(
        signature_version="s3v4",
        connect_timeout=wanted.connect_timeout,
        read_timeout=wanted.read_timeout,
        retries={"total_max_attempts": wanted.attempts, "mode": "standard"},
        max_pool_connections=POOL,
        s3={"addressing_style": wanted.addressing_style or "auto"},
        # Some storages reject the checksum trailers of newer boto3; the signature covers each body's SHA-256 anyway.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client("s3", endpoint_url=wanted.endpoint_url or None, config=config)
