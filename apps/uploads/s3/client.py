"""The client for S3, and its failures in the form that a visitor may see.

Any S3-compatible storage will do. Requests block: call them in threads.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection
from django.core.exceptions import ImproperlyConfigured

from liveview.process import here
from uploads.errors import UploadError
from uploads.s3.options import S3Options, options

logger = logging.getLogger("uploads.s3")

MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
AGAIN: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "OperationAborted", "RequestTimeout", "SlowDown", "Throttling"}
)  # error codes that pass whatever their status is
AWAY: Final = (
    NoConnection,
    HTTPClientError,
    IncompleteReadError,
    CredentialRetrievalError,
    MetadataRetrievalError,
)
FULL: Final = frozenset({501, 507})  # statuses of a storage that won't do it however often it is asked
BLOCK: Final = 1024 * 1024  # bytes of a request's body that are sent at once
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
    """Turns what boto3 raises into `UploadError("storage_unavailable")`, which `lasts` if the storage says no.

    boto3's exceptions name buckets, keys and roles: only their kind is logged, and nothing of them is shown.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as failure:
        logger.warning("S3 request failed: %s", code_of(failure))
        raise UploadError("storage_unavailable", lasts=not is_passing(failure)) from None


def is_passing(failure: Exception) -> bool:
    """Whether the storage is away, or has too much to do; not if it refuses, is full, or was never asked."""
    if not isinstance(failure, ClientError):
        return isinstance(failure, AWAY)
    status = int(failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    is_away = status >= 500 and status not in FULL or status in (408, 429)
    return is_away or code_of(failure) in AGAIN


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
        # Some storages reject the checksum trailers of newer boto3, which signs each body's SHA-256 instead.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    made = session.client("s3", endpoint_url=wanted.endpoint_url or None, config=config)
    if made.meta.endpoint_url.startswith("https:"):  # TLS protects the body, so that it needn't be hashed for that
        made.meta.config.s3["payload_signing_enabled"] = False
    for request in ("PutObject", "UploadPart"):
        made.meta.events.register_first(f"before-parameter-build.s3.{request}", _with_body)
    return made


class Body(io.BytesIO):
    """What is sent in a request. urllib3 asks for 16 KiB at a time and sends each by itself: it is given more."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(size if size is None or size < 0 else max(size, BLOCK))


def _with_body(params: dict[str, Any], **_event: Any) -> None:
    if isinstance(params.get("Body"), bytes):
        params["Body"] = Body(params["Body"])
