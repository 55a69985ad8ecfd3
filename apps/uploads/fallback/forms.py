"""Files in a form that was posted without JavaScript: Django has the whole body already."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.http import HttpRequest

from uploads.core.names import unescaped
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.errors import UploadError
from uploads.fallback import parked


def accept_post(uploads: Uploads, request: HttpRequest) -> bool:
    """Feeds the posted files through the slots.

    False if one was refused: the page says why and nothing is saved, unless a Django form is the judge of that.
    """
    good = True
    for name, files in request.FILES.lists():
        try:
            slot = uploads.slot(name)
        except UploadError:
            continue
        for posted in files:
            good &= _accept(uploads, name, _free_ref(uploads), posted) or slot.in_form
    return good


def keep_offered(uploads: Uploads, request: HttpRequest) -> None:
    """Parks the files that the page offers to keep, for the form to claim when it is sent again."""
    for entry in uploads.offered or ():
        if entry.is_ready and entry in uploads.staged:
            parked.keep(uploads, entry, request)


def _free_ref(uploads: Uploads) -> str:
    return next(ref for number in count() if (ref := f"posted-{number}") not in uploads.entries)


def _accept(uploads: Uploads, name: str, ref: str, posted: Any) -> bool:
    """In a slot for a single file it replaces what waits there only once it is known to be good."""
    try:
        entry = uploads.register(name, ref, unescaped(posted.name or ""), posted.size, posted.content_type or "")
    except UploadError:
        return False
    entry.is_posted = True
    refusal = _refusal(uploads, entry, posted)
    if refusal is None:
        uploads.admit(entry)
        return True
    uploads.refuse(entry, refusal)
    uploads.discard([entry])
    return False


def _refusal(uploads: Uploads, entry: UploadEntry, posted: Any) -> UploadError | None:
    try:
        drive.open(entry, uploads.uploader)
    except UploadError as refused:
        return refused
    outcome = drive.deliver(entry, posted.chunks())
    return outcome.error if isinstance(outcome, drive.Refused | drive.Postponed) else None
