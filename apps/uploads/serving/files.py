"""A file of a storage as a response: pictures and films are shown, all else is an attachment, and nothing a page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any, Final

from django.core.files.storage import Storage, default_storage
from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from uploads.core.sniffing import SNIFF_BYTES, sniff
from uploads.serving import ranges

TYPES: Final = {
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".webm": "video/webm",
    ".webp": "image/webp",
}
UNKNOWN: Final = "application/octet-stream"
HARMLESS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_SHOWN: Final = frozenset(TYPES.values())


def file_response(
    request: HttpRequest, file: FieldFile | str, *, filename: str = "", as_attachment: bool = False
) -> HttpResponseBase:
    """The answer to a GET or HEAD for a file, whole or in ranges; for a view that has looked at who asks.

    file: of a model, or a name in the default storage. It may be anybody's: what it is, its first bytes say. Browsers
    keep it, and ask this view again before they show it.
    filename: what it is saved as; by default the last part of its name.
    as_attachment: for pictures and films as well, which are shown otherwise.

    Raises `Http404` if there is no such file.
    """
    name, storage = (file, default_storage) if isinstance(file, str) else (file.name or "", file.storage)
    opened = opened_or_404(storage, name)
    known = sniff(opened.read(SNIFF_BYTES))
    opened.seek(0)
    is_shown = known is not None and known.mime in _SHOWN and not as_attachment
    disposition = content_disposition_header(not is_shown, filename or os.path.basename(name))
    modified, size = storage.get_modified_time(name), storage.size(name)
    headers: Mapping[str, str] = {
        **HARMLESS,
        "Content-Disposition": disposition or ("inline" if is_shown else "attachment"),
        "Cache-Control": "private, no-cache",
    }
    return ranges.respond(
        request,
        opened,
        size=size,
        name=f"{round(modified.timestamp() * 1_000_000):x}-{size:x}",
        content_type=known.mime if known else UNKNOWN,
        headers=headers,
        modified=modified,
    )


def opened_or_404(storage: Storage, name: str) -> IO[Any]:
    if not name:
        raise Http404
    try:
        return storage.open(name)
    except OSError:
        raise Http404 from None
