"""Serves published files from local storage: under strict names, as known types, and never as pages with scripts."""

from __future__ import annotations

import logging
import os
import re
from typing import Final

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from uploads.conf import conf
from uploads.serving import ranges
from uploads.serving.files import HARMLESS, TYPES, file_response, opened_or_404

# Names are ours: folders, a UUID, and the extension of a type that we produce. Nothing else is looked up, unless it is
# below one of the folders that `UPLOADS["PUBLIC"]` names.
_NAME: Final = re.compile(r"(?:[a-z0-9_]+/){1,3}[0-9a-f]{32}(?:-[a-z0-9]+)?(\.[a-z0-9]{2,5})")
_PART: Final = re.compile(r"[^./\\\0-\x1f\x7f][^/\\\0-\x1f\x7f]*")  # of a name that somebody else made

logger = logging.getLogger(__name__)


@require_safe
def serve(request: HttpRequest, path: str) -> HttpResponseBase:
    if not is_served(path) or _is_linked(path):
        raise _not_found(path)
    ours = _type_of(path)
    try:
        return _immutable(request, path, ours) if ours else file_response(request, path)
    except Http404:
        raise _not_found(path) from None


def is_served(path: str) -> bool:
    """Whether a file of this name, seen from the storage's root, is one that `serve` looks for."""
    return _type_of(path) is not None or _is_public(path)


def _type_of(path: str) -> str | None:
    """The content type that one of our names says."""
    match = _NAME.fullmatch(path)
    return TYPES.get(match[1]) if match else None


def _immutable(request: HttpRequest, path: str, content_type: str) -> HttpResponseBase:
    """The name has 128 random bits, and its content never changes."""
    name = os.path.basename(path)
    return ranges.respond(
        request,
        opened_or_404(default_storage, path),
        size=default_storage.size(path),
        name=name,
        content_type=content_type,
        headers={
            **HARMLESS,
            "Content-Disposition": f'inline; filename="{name}"',
            "Cache-Control": "private, max-age=31536000, immutable",
        },
        modified=default_storage.get_modified_time(path),
    )


def _is_public(path: str) -> bool:
    folders = tuple(folder for folder in conf().public if folder.strip("/"))
    return path.startswith(folders) and all(map(_PART.fullmatch, path.split("/")))


def _is_linked(path: str) -> bool:
    """Whether the path leads through a symbolic link below the storage's folder: we store none."""
    try:
        root, full = default_storage.path(""), default_storage.path(path)
    except NotImplementedError:  # not a storage of local files
        return False
    return os.path.realpath(full) != os.path.join(os.path.realpath(root), path)


def _not_found(path: str) -> Http404:
    """Without DEBUG nobody is told why, or whether there is such a file."""
    if not settings.DEBUG or not _exists(path):
        return Http404()
    folder, slash, _name = path.rpartition("/")
    if _is_public(path):
        reason = "It is reached by a symbolic link."
    elif slash and _PART.fullmatch(folder.partition("/")[0]):
        reason = (
            "It has a name that your code didn't make, and these are served only below the folders that you call "
            f'public. In settings.py: UPLOADS = {{"PUBLIC": ["{folder.partition("/")[0]}/"]}}'
        )
    else:
        reason = "Nothing is served but what is in a folder below MEDIA_ROOT, whose name doesn't begin with a dot."
    logger.warning("%s exists, and isn't served. %s", path, reason)
    return Http404(f"{path} exists, and isn't served. {reason} More: docs/uploads.md, “What is served”.")


def _exists(path: str) -> bool:
    try:
        return default_storage.exists(path)
    except (OSError, SuspiciousFileOperation, ValueError):
        return False
