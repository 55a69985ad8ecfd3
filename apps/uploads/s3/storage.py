"""Published files in a private bucket, using django-storages.

    STORAGES = {"default": {"BACKEND": "uploads.s3.storage.PrivateS3Storage"}, …}

What it adds: the connection, its timeouts and the bucket are those of `uploads.s3.options`; an existing name is never
overwritten; what is staged in the same bucket is copied there, by the storage itself; and a signed URL stays the same
for half its lifetime, in every process that shares the cache. A page that is rendered again would otherwise have new
URLs each second: pictures would reload, and videos start over.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from typing import Any, Final

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from liveview import shared_cache
from uploads.s3.client import bucket, client, code_of
from uploads.s3.options import options
from uploads.s3.staging import BucketFile

__all__ = ["PrivateS3Storage"]

logger = logging.getLogger("uploads.s3")

EXPIRE: Final = 24 * 3600  # seconds that a signed URL is valid, unless AWS_QUERYSTRING_EXPIRE says otherwise
MOST: Final = 20_000  # signed URLs that one process remembers
MEMORY: Final = 8 * 1024 * 1024  # bytes of an opened file that are in memory; the rest is in a temporary file
IN_ONE: Final = TransferConfig(multipart_threshold=5 * 1024**3)  # bytes that S3 copies in one request


class PrivateS3Storage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """Takes the options of `S3Storage` as well, from `STORAGES` or from settings."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._signed: dict[str, tuple[str, float]] = {}  # name → its URL, and until when to use that
        self._lock = threading.Lock()
        self._shared: Any = None

    def get_default_settings(self) -> dict[str, Any]:
        wanted = options()
        return {
            **super().get_default_settings(),
            "bucket_name": wanted.bucket,
            "endpoint_url": wanted.endpoint_url or None,
            "region_name": wanted.region or None,
            "access_key": wanted.access_key_id or None,
            "secret_key": wanted.secret_access_key or None,
            "security_token": wanted.session_token or None,
            "file_overwrite": False,
            "querystring_auth": True,
            "querystring_expire": getattr(settings, "AWS_QUERYSTRING_EXPIRE", EXPIRE),
            "client_config": client().meta.config,
            "max_memory_size": getattr(settings, "AWS_S3_MAX_MEMORY_SIZE", MEMORY),
        }

    @property
    def connection(self) -> Any:
        """One for all threads: each would take megabytes, and all that is done with it here is thread-safe."""
        with self._lock:
            if self._shared is None:
                self._shared = self._create_session().resource(
                    "s3", region_name=self.region_name, endpoint_url=self.endpoint_url, config=self.client_config
                )
            return self._shared

    def _save(self, name: str, content: Any) -> str:
        if isinstance(content, BucketFile) and content.key and self._is_in_the_bucket and not self.gzip:
            try:
                return self._copied(name, content)
            except (BotoCoreError, ClientError) as failure:  # the same bytes are here as well
                logger.warning("could not copy a staged file within the bucket: %s", code_of(failure))
        saved: str = super()._save(name, content)
        return saved

    @property
    def _is_in_the_bucket(self) -> bool:
        """Whether this storage's bucket is that of `uploads.s3`."""
        return (self.bucket_name, self.endpoint_url or "") == (bucket(), options().endpoint_url)

    def _copied(self, name: str, file: BucketFile) -> str:
        """What is staged in the bucket needn't be sent there again."""
        cleaned: str = clean_name(name)
        how = {**self._get_write_parameters(cleaned, file), "MetadataDirective": "REPLACE"}
        source = {"Bucket": self.bucket_name, "Key": file.key}
        to = self._normalize_name(cleaned)
        self.connection.meta.client.copy(source, self.bucket_name, to, ExtraArgs=how, Config=IN_ONE)
        return cleaned

    def url(self, name: str, parameters: Any = None, expire: int | None = None, http_method: Any = None) -> str:
        if parameters or expire is not None or http_method is not None:
            return self._sign(name, parameters, expire, http_method)
        now = time.monotonic()
        known = self._signed.get(name)
        if known is None or known[1] < now:
            if len(self._signed) >= MOST:
                self._signed.clear()
            known = self._signed[name] = self._agreed(name, now)
        return known[0]

    def _agreed(self, name: str, now: float) -> tuple[str, float]:
        """The URL that all processes use, and until when this one does."""
        half = self.querystring_expire / 2
        key = "uploads:address:" + hashlib.sha256(f"{self.endpoint_url} {self.bucket_name} {name}".encode()).hexdigest()
        try:
            agreed = shared_cache.get(key)
            if agreed is None:
                agreed = (self._sign(name), time.time() + half)
                if not shared_cache.add(key, agreed, half):  # another process was faster, or what is there isn't ours
                    agreed = shared_cache.get(key) or agreed
        except Exception:  # noqa: BLE001  (without the cache a picture reloads, but the page works)
            logger.warning("could not cache a signed URL", exc_info=True)
            return self._sign(name), now + half
        signed, until = agreed  # both ours, by their signature
        return signed, now + max(0.0, until - time.time())

    def _sign(self, name: str, *how: Any) -> str:
        signed: str = super().url(name, *how)
        return signed
