"""The way in for a form without JavaScript: Django has the whole body already, and the same machine takes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from uploads.core.machine import Step
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.entries.validation import judge
from uploads.errors import UploadError


def accept_post(uploads: Uploads, request: HttpRequest) -> bool:
    """Feeds the posted files through the slots.

    False if one was refused: the page says why and nothing is saved.
    """
    good = True
    for name in uploads.slots:
        for number, posted in enumerate(request.FILES.getlist(name)):
            good &= _accept(uploads, name, f"{name}-{number}", posted)
    return good


def _accept(uploads: Uploads, name: str, ref: str, posted: Any) -> bool:
    try:
        entry = uploads.register(name, ref, posted.name or "", posted.size, posted.content_type or "")
    except UploadError:
        return False
    failure = feed(entry, posted.chunks()) or judge(entry)
    if failure is None:
        return entry.advance(Step.ACCEPT)
    entry.fail(failure)
    uploads.discard([entry])
    return False


def feed(entry: UploadEntry, chunks: Iterable[bytes]) -> UploadError | None:
    """Drives the machine with all of a file's bytes, up to its checks; why it must be refused, if it must. Blocks."""
    try:
        for chunk in chunks:
            entry.look(chunk)
            entry.write([chunk])
            entry.receive(entry.upload.received, len(chunk))
            entry.written(len(chunk))
    except UploadError as failure:
        return failure
    if not entry.seal():
        return entry.upload.error or UploadError("incomplete")
    entry.advance(Step.CHECK)
    return None
