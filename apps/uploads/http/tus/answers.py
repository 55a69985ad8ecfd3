"""What the tus headers say about an upload, in both directions."""

from __future__ import annotations

import mimetypes
import time
from email.utils import formatdate

from uploads.http.shared import records
from uploads.http.shared.asgi import Headers
from uploads.stores import Record


def upload_headers(record: Record, offset: int) -> Headers:
    """The headers of a HEAD's answer. (tus 1.0, "HEAD", "Upload-Defer-Length", "Upload-Metadata".)"""
    told = [("Upload-Offset", str(offset))]
    if records.DEFERRED in record.http:
        told.append(("Upload-Defer-Length", "1"))
    else:
        told.append(("Upload-Length", str(record.size)))
    if records.METADATA in record.http:
        told.append(("Upload-Metadata", record.http[records.METADATA]))
    return [*told, *expires(record)]


def expires(record: Record) -> Headers:
    """Each request extends it. A finished file is the application's, and doesn't expire with its upload."""
    if records.is_done(record):
        return []
    return [("Upload-Expires", formatdate(time.time() + records.ttl(), usegmt=True))]


def name_of(metadata: dict[str, str]) -> str:
    """The file's name from the client; without one, a name made from the type it gives."""
    name = metadata.get("filename") or metadata.get("name")
    kind = metadata.get("filetype") or metadata.get("type", "")
    return name or f"upload{mimetypes.guess_extension(kind) or ''}"
