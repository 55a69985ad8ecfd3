"""Django's upload handlers that tell how far a form has come. (Seed: seeds/002.)"""

from __future__ import annotations

import functools
import logging
import time
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.utils.module_loading import import_string

from uploads.http.multipart import progress
from uploads.owners import known_owner

logger = logging.getLogger("uploads")

COUNTED: Final = "uploads.counted"  # in a request's scope: its body was counted as it arrived


class UploadProgressCachedHandler(FileUploadHandler):
    """Tells Django's cache how far a form has come, so that a view of one's own can say so.

        FILE_UPLOAD_HANDLERS = [
            "uploads.http.UploadProgressCachedHandler",
            *global_settings.FILE_UPLOAD_HANDLERS,
        ]

    A form with an `X-Progress-ID` (in its address, a header, or a hidden field before its file) is counted under the
    key `<address>_<id>`, as `{"uploaded": …, "length": …}` in bytes; when it is done, the key is gone. Under ASGI a
    view starts when the whole body is here, so the bytes are counted as they arrive, by
    `uploads.http.routing.application`; under WSGI they are counted here.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._key: str | None = None
        self._uploaded = self._length = 0
        self._saved = 0.0

    @classmethod
    def cache_key(cls, request: HttpRequest, progress_id: str) -> str | None:
        """None for an id that can't be one. Override it for keys of another kind; it is called in a thread."""
        return f"{request.META.get('REMOTE_ADDR', '')}_{progress_id}" if progress.is_id(progress_id) else None

    @classmethod
    def save(cls, key: str, uploaded: int, length: int) -> None:
        """Blocks, as does `forget`."""
        cache.set(key, {"uploaded": uploaded, "length": length}, progress.KEPT)

    @classmethod
    def forget(cls, key: str) -> None:
        cache.delete(key)

    def handle_raw_input(
        self, input_data: Any, META: dict[str, Any], content_length: int, boundary: str, encoding: str | None = None
    ) -> None:
        assert self.request is not None
        if COUNTED in getattr(self.request, "scope", ()):
            return
        given = self.request.GET.get(progress.FIELD) or self.request.headers.get(progress.FIELD, "")
        self._key, self._length = self.cache_key(self.request, given), content_length
        self._save()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._uploaded += len(raw_data)
        if time.monotonic() - self._saved > progress.SAVE_EVERY:
            self._save()
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The handlers after this one keep the file."""

    def upload_complete(self) -> None:
        self._forget()

    def upload_interrupted(self) -> None:
        self._forget()

    def _save(self) -> None:
        if self._key is not None:
            self._key = self.saved(self._key, self._uploaded, self._length)
            self._saved = time.monotonic()

    def _forget(self) -> None:
        if self._key is not None:
            self.forgotten(self._key)

    # A cache that is away costs a form its progress, and nothing else
    @classmethod
    def saved(cls, key: str, uploaded: int, length: int) -> str | None:
        """The key, or None if it is of no more use. Blocks, as does `forgotten`."""
        try:
            cls.save(key, uploaded, length)
        except Exception:  # noqa: BLE001  (whatever the cache's driver raises)
            logger.warning("form upload: progress unavailable", exc_info=True)
            return None
        return key

    @classmethod
    def forgotten(cls, key: str) -> None:
        try:
            cls.forget(key)
        except Exception:  # noqa: BLE001
            logger.warning("form upload: could not delete progress", exc_info=True)


class OwnProgress(UploadProgressCachedHandler):
    """For the endpoints of this package: nobody but the visitor is told."""

    @classmethod
    def cache_key(cls, request: HttpRequest, progress_id: str) -> str | None:
        return progress.key_of(known_owner(request), request.META.get("REMOTE_ADDR", ""), progress_id)

    @classmethod
    def save(cls, key: str, uploaded: int, length: int) -> None:
        progress.save(key, uploaded, length)

    @classmethod
    def forget(cls, key: str) -> None:
        progress.forget(key)


def configured() -> type[UploadProgressCachedHandler] | None:
    """The one among `FILE_UPLOAD_HANDLERS`, if any."""
    return _first(tuple(settings.FILE_UPLOAD_HANDLERS))


@functools.cache
def _first(paths: tuple[str, ...]) -> type[UploadProgressCachedHandler] | None:
    kinds = [import_string(path) for path in paths]
    return next((kind for kind in kinds if issubclass(kind, UploadProgressCachedHandler)), None)
