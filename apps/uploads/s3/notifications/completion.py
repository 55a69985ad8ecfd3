"""An event says that an object has been created: verify it with S3, then tell the page and the hooks that wait.

The event itself is not trusted: its bucket and key must be those of an upload that began here, and S3 is asked whether
the object exists and how large it is. Events of unknown uploads are ignored.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Final

from liveview import shared_cache
from liveview.pubsub import broadcast
from uploads.external import topic_of
from uploads.s3 import objects
from uploads.s3.client import bucket
from uploads.s3.handles import Handle
from uploads.s3.notifications import hooks
from uploads.s3.notifications.hooks import CompletedUpload
from uploads.s3.notifications.parsing import S3Event, names_upload
from uploads.stores import Record, get_store

logger = logging.getLogger("uploads.s3_events")

ONCE_WITHIN: Final = 24 * 3600  # seconds within which several events of one object call hooks once


def complete(event: S3Event) -> bool:
    """Processes one record of an event; whether it completed an upload that somebody waits for. Blocks.

    Raises `UploadError("storage_unavailable")`.
    """
    if not event.is_creation or event.bucket != bucket() or not names_upload(event.upload_id):
        return False
    record = get_store().load(event.upload_id)
    handle = Handle.of(record)
    if handle is None and not hooks.is_awaited(event.upload_id):
        return False
    if handle is not None and (handle.bucket, handle.key) != (event.bucket, event.key):
        logger.info("ignored S3 event: the key is not the upload's")
        return False
    found = objects.head(event.key)
    if found is None or not _fits(record, found.size):
        return False
    upload = CompletedUpload(event.upload_id, event.bucket, event.key, found.size, found.etag)
    if handle is not None:
        told = {"upload_id": upload.upload_id, "key": upload.key, "size": upload.size, "etag": upload.etag}
        broadcast(topic_of(event.upload_id), told)
    if not hooks.is_awaited(event.upload_id) or (handle is not None and handle.is_moved):
        return handle is not None
    if not shared_cache.add(_once(upload), True, ONCE_WITHIN):
        return False
    hooks.call_hooks(upload)
    return True


def _once(upload: CompletedUpload) -> str:
    """A key for the cache, whatever characters the object's has."""
    whole = f"{upload.bucket}/{upload.key}/{upload.etag}"
    return f"uploads.s3.{hashlib.sha256(whole.encode()).hexdigest()}"


def _fits(record: Record | None, size: int) -> bool:
    if record is None or record.size == size:
        return True
    logger.info("ignored S3 event: the object's size is not the declared one")
    return False
