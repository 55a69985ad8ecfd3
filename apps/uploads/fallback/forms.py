"""Files in a form that was posted without JavaScript: Django has the whole body already."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.http import HttpRequest

from uploads.entries import drive
from uploads.entries.registry import Uploads
from uploads.errors import UploadError


def accept_post(uploads: Uploads, request: HttpRequest) -> bool:
    """Feeds the posted files through the slots.

    False if one was refused: the page says why and nothing is saved.
    """
    good = True
    for name in uploads.slots:
        for posted in request.FILES.getlist(name):
            good &= _accept(uploads, name, _free_ref(uploads), posted)
    return good


def _free_ref(uploads: Uploads) -> str:
    return next(ref for number in count() if (ref := f"posted-{number}") not in uploads.entries)


def _accept(uploads: Uploads, name: str, ref: str, posted: Any) -> bool:
    try:
        entry = uploads.add(name, ref, posted.name or "", posted.size, posted.content_type or "")
    except UploadError:
        return False
    if isinstance(drive.deliver(entry, posted.chunks()), drive.Ready):
        return True
    uploads.discard([entry])
    return False
