"""Serves published files from local storage: under strict names, as known types, and never as pages with scripts."""

from __future__ import annotations

import os
import re
from typing import Final

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from uploads.serving import ranges

# Names are ours: folders, a UUID, and the extension of a type that we produce. Nothing else is looked up.
_NAME: Final = re.compile(r"(?:[a-z0-9_]+/){1,3}[0-9a-f]{32}(?:-[a-z0-9]+)?(\.[a-z0-9]{2,5})")
TYPES: Final = {
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".webm": "video/webm",
    ".webp": "image/webp",
}


@require_safe
def serve(request: HttpRequest, path: str) -> HttpResponseBase:
    match = _NAME.fullmatch(path)
    content_type = TYPES.get(match[1]) if match else None
    if content_type is None or _is_linked(path):
        raise Http404
    try:
        file = default_storage.open(path)
    except OSError:
        raise Http404 from None
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        # The name has 128 random bits, and its content never changes.
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    name = os.path.basename(path)
    headers["Content-Disposition"] = f'inline; filename="{name}"'
    return ranges.respond(
        request,
        file,
        size=default_storage.size(path),
        name=name,
        content_type=content_type,
        headers=headers,
        modified=default_storage.get_modified_time(path),
    )


def _is_linked(path: str) -> bool:
    """Whether the path leads through a symbolic link below the storage's folder: we store none."""
    try:
        root, full = default_storage.path(""), default_storage.path(path)
    except NotImplementedError:  # not a storage of local files
        return False
    return os.path.realpath(full) != os.path.join(os.path.realpath(root), path)
