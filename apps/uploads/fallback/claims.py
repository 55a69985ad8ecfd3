"""The uploads that a form names: files sent in chunks before it go through the same slots as files in it."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from liveview.core.messages import Message
from uploads.core import messages
from uploads.core.slots import Slot
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.errors import UploadError
from uploads.fallback import parked
from uploads.stores import Record

FIELD: Final = "_upload"  # one per upload: `<upload_id> <ref>`
SKIP: Final = "_upload_skip"  # a form with `dj-upload-skip`: refused files don't keep the rest from its handler
MOST: Final = 2000  # per form


class Claims:
    """The claims of one POST. All methods block."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._claimed: dict[str, UploadEntry] = {}  # by ref
        self._kept: dict[str, UploadError] = {}  # by ref: why it is still parked
        self.answers: list[Message] = []  # what became of them, once it is settled

    def accept(self, request: HttpRequest) -> bool:
        """Makes entries of them; False if one was refused and the handler must not run.

        Uploads that aren't this visitor's and this page's are ignored, as if they didn't exist.
        """
        good = True
        for upload_id, ref in _named(request):
            try:
                record = parked.find(request, upload_id)
                slot = self._uploads.slot(record.slot)
            except UploadError:
                continue
            if not parked.is_taken(record):
                good &= self._accept(record, ref, slot)
        return good

    def _accept(self, record: Record, ref: str, slot: Slot) -> bool:
        try:
            entry = parked.take(self._uploads, record, ref)
        except UploadError as refused:
            entry = parked.stand_in(record, slot, ref)
            entry.fail(refused)
            self._claimed[ref] = entry
            if refused.passes or refused.code == "locked":
                self._kept[ref] = refused
            if slot.in_form:
                self._uploads.entries[ref] = entry
            return slot.in_form
        self._claimed[ref] = entry
        refusal = parked.settle(self._uploads, entry)
        if refusal is None:
            return True
        if not entry.is_over:
            self._kept[ref] = refusal
        if slot.in_form:
            return True
        self._uploads.entries.pop(ref)  # the page is told, and shows it itself
        return False

    def settle(self) -> None:
        """The page is rendered: unconsumed files are parked again, for the next form."""
        for ref, entry in self._claimed.items():
            if entry.is_ready and not parked.give_back(self._uploads, entry):
                entry.fail(UploadError("cancelled"))
            if ref in self._kept:
                self.answers.append(messages.stuck(ref, self._kept[ref]))
            elif entry.is_consumed:
                self.answers.append(messages.consumed(ref))
            elif entry.upload.error is not None:
                self.answers.append(messages.error(ref, entry.upload.error))
        self._claimed = {}


def _named(request: HttpRequest) -> list[tuple[str, str]]:
    """Upload ids and refs, each once."""
    found: dict[str, str] = {}
    for value in request.POST.getlist(FIELD)[:MOST]:
        upload_id, _, ref = value.partition(" ")
        if messages.ref(ref) and ref not in found.values():
            found.setdefault(upload_id, ref)
    return list(found.items())
