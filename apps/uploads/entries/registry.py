"""The slots and entries of one view.

Entries are changed by the event loop while bytes arrive and by handlers in threads; each change is one step of the
machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from uploads import events
from uploads.conf import conf
from uploads.core.names import FileName, parse_folder, parse_name
from uploads.core.slots import Family, Slot
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.entries.uploader import NOBODY
from uploads.errors import UploadError


class SlotEntries:
    """What `{{ uploads.avatar }}` is: the slot's entries in the order they were chosen.

    It remembers what was read of it, so that a page that shows only what was refused isn't drawn for what arrives.
    """

    def __init__(
        self, slot: Slot, entries: list[UploadEntry], offered: set[UploadEntry] | None = None, error: str = ""
    ) -> None:
        self.slot = slot
        self.error = error  # of the slot as a whole
        self._entries = entries
        self._offered = offered
        self._refused = self._refusals()
        self._was_read = False  # more of it than errors

    def __iter__(self) -> Iterator[UploadEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def entries(self) -> list[UploadEntry]:
        self._was_read = True
        return self._entries

    @property
    def errors(self) -> list[UploadEntry]:
        return [entry for entry in self._entries if entry.error]

    @property
    def ready(self) -> list[UploadEntry]:
        return [entry for entry in self.entries if entry.is_ready]

    def may_differ(self, now: SlotEntries) -> bool:
        """Whether what was read of it may be something else by now."""
        return self._was_read or self.error != now.error or self._refused != now._refusals()

    def _refusals(self) -> list[tuple[str, str | None]]:
        return [(entry.ref, entry.error) for entry in self.errors]

    @property
    def kept(self) -> list[UploadEntry]:
        """In the answer to a form without JavaScript: files that wait, if the form names them (`claim`) again."""
        if self._offered is None or self.slot.is_remote:
            return []
        self._offered.update(self.ready)
        return self.ready


class Uploads:
    """All uploads of a view."""

    def __init__(self) -> None:
        self.uploader = NOBODY  # until the view is mounted
        self.slots: dict[str, Slot] = {}
        self.entries: dict[str, UploadEntry] = {}  # by ref
        self.staged: set[UploadEntry] = set()  # entries whose bytes are to be removed eventually, on the page or not
        self.families: list[tuple[Family, Slot]] = []  # slots that are made when something comes for them
        self.errors: dict[str, str] = {}  # of slots as a whole, until a file is chosen
        self.offered: set[UploadEntry] | None = None  # in the answer to a form without JavaScript: what it may keep
        self._opening: set[UploadEntry] = set()  # not admitted yet
        self._replacing: dict[UploadEntry, list[UploadEntry]] = {}  # entries → what they replace once they are ready
        self._lent: list[UploadEntry] = []  # to the running handler
        self._lent_refs: set[str] = set()
        self._lent_slots: set[str] = set()

    def allow_family(self, family: Family) -> None:
        """Its slots are like the first one."""
        others = [each for each in self.families if each[0] != family]
        self.families = [*others, (family, self.slots[family.name(0)])]

    def of(self, name: str) -> SlotEntries:
        """What a page shows: not an entry that is still being opened, nor one that stands back behind another."""
        hidden = self._opening | self._standing_back()
        shown = [entry for entry in self._of(name) if entry not in hidden]
        return SlotEntries(self.slot(name), shown, self.offered, self.errors.get(name, ""))

    def stands_back(self, entry: UploadEntry) -> bool:
        """In a slot for a single file: whether it waits for what becomes of the file that was chosen in its place."""
        return entry in self._standing_back()

    def _standing_back(self) -> set[UploadEntry]:
        waited_for = (newer for newer in list(self._replacing) if newer not in self._opening and not newer.is_over)
        return {entry for newer in waited_for for entry in self._replacing.get(newer, ())}

    def _of(self, name: str) -> list[UploadEntry]:
        entries = [entry for entry in list(self.entries.values()) if entry.slot.name == name]
        return [entry for entry in entries if not entry.is_consumed]

    def register(
        self, slot_name: str, ref: str, raw_name: str, size: int, client_type: str, path: str | None = None
    ) -> UploadEntry:
        """A new entry, to be opened now and then admitted or refused; see `add`. Raises `UploadError`.

        A refused file stays, with its reason, until it is dismissed or replaced.
        """
        if len(self.entries) >= conf().max_entries_per_view:
            raise UploadError("too_many_files")
        slot = self.slot(slot_name)
        before = self._replaceable(slot)
        others = [other for other in self._of(slot_name) if not other.is_over and other not in before]
        name, refused = _read_name(raw_name, path)
        try:
            slot.check(name, size, len(others), _bytes_of(others))
        except UploadError as unfit:
            refused = refused or unfit
        entry = UploadEntry(secrets.token_hex(16), ref, slot, name, size, client_type)
        entry.uploader = self.uploader
        self.entries[ref] = entry
        self.errors.pop(slot_name, None)
        self.staged.add(entry)
        self._opening.add(entry)
        if before:
            self._replacing[entry] = before
        if refused is not None:
            self.refuse(entry, refused)
            raise refused
        return entry

    def admit(self, entry: UploadEntry) -> None:
        """It is open. In a slot for a single file, the one before stands back until this one is `settled`."""
        self._opening.discard(entry)
        before = self._replacing.pop(entry, [])
        self._drop_refused(before)
        if entry.is_ready:
            self._drop_all(before)
        elif spare := self._keep_one(before):
            self._replacing[entry] = [spare]

    def settled(self, entry: UploadEntry) -> None:
        """It is ready, and takes the place of the one before."""
        self._drop_all(self._replacing.pop(entry, []))

    def refuse(self, entry: UploadEntry, refusal: UploadError) -> None:
        """It could not be opened. A file that was refused replaces only another that was."""
        self.staged.discard(entry)
        self._opening.discard(entry)
        self._drop_refused(self._replacing.pop(entry, []))
        entry.fail(refusal)

    def add(
        self, slot_name: str, ref: str, raw_name: str, size: int, client_type: str, path: str | None = None
    ) -> UploadEntry:
        """`register`, open and `admit` in one call. Blocks; raises `UploadError`."""
        entry = self.register(slot_name, ref, raw_name, size, client_type, path)
        try:
            drive.open(entry, self.uploader)
        except UploadError as refused:
            self.refuse(entry, refused)
            raise
        self.admit(entry)
        return entry

    def adopt(self, entry: UploadEntry, older: Collection[str] | None = None) -> None:
        """Adopts an upload that began on another socket. Raises `UploadError` if the slot has no room for it now.

        older: refs of what was there when it was asked for; None for all that is there now. In a slot for a single
        file it replaces these, and stands back behind what was chosen since.
        """
        replaceable = self._replaceable(entry.slot)
        newer = [other for other in replaceable if other in self._opening or not _is_among(other, older)]
        before = [other for other in replaceable if other not in newer]
        try:
            self.check_again(entry, replaceable)
        except UploadError:
            self._drop_refused(before)
            raise
        self._drop_refused(before)
        if entry.is_ready:
            self._drop_all(before)
        elif spare := self._keep_one(before):
            self._replacing[entry] = [spare]
        for other in newer:
            if not other.is_over:
                self._replacing.setdefault(other, []).append(entry)
        self.entries[entry.ref] = entry
        self.errors.pop(entry.slot.name, None)
        self.staged.add(entry)
        events.tell("resumed", entry)

    def _replaceable(self, slot: Slot) -> list[UploadEntry]:
        """What the next file replaces, in a slot for a single file."""
        return self._of(slot.name) if slot.max_entries == 1 else []

    def _drop_refused(self, entries: Iterable[UploadEntry]) -> None:
        self._drop_all(entry for entry in entries if entry.error)

    def _drop_all(self, entries: Iterable[UploadEntry]) -> None:
        for entry in entries:
            self._drop(entry)

    def _keep_one(self, before: Iterable[UploadEntry]) -> UploadEntry | None:
        """Of what one file after the other was to replace, only that stays of which most is here."""
        there = [entry for entry in before if self.entries.get(entry.ref) is entry]
        spare = max(reversed(there), key=lambda entry: (entry.is_ready, entry.progress), default=None)
        self._drop_all(entry for entry in there if entry is not spare)
        return spare

    def check_again(self, entry: UploadEntry, but: Sequence[UploadEntry] = ()) -> None:
        """Raises `UploadError` unless the slot as it is now, perhaps narrowed by a handler, accepts the entry.

        but: entries that don't count.
        """
        but = [entry, *but, *self._replacing.get(entry, ())]
        others = [
            other
            for other in self._of(entry.slot.name)
            if not other.is_over and other not in but and entry not in self._replacing.get(other, ())
        ]
        name = FileName(entry.name, entry.extension)
        self.slot(entry.slot.name).check(name, entry.size, len(others), _bytes_of(others))

    def drop(self, entry: UploadEntry) -> list[UploadEntry]:
        """Takes an entry off the page, cancelling it unless it is over, and what stands back behind it.

        Returns what has gone, for the caller to discard.
        """
        is_waited_for = entry not in self._opening and not entry.is_over
        gone = [entry, *(self._replacing.get(entry, ()) if is_waited_for else ())]
        self._drop_all(gone)
        return gone

    def _drop(self, entry: UploadEntry) -> None:
        entry.cancel()
        self._opening.discard(entry)
        self._replacing.pop(entry, None)
        if self.entries.get(entry.ref) is entry:
            del self.entries[entry.ref]

    def discard(self, entries: Iterable[UploadEntry]) -> None:
        """Removes the bytes of entries. Blocks."""
        for entry in entries:
            entry.discard()
            self.staged.discard(entry)

    def consume(self, name: str) -> Iterator[UploadEntry]:
        """Each ready entry once. If its turn in the loop ends early, as by a raise, it stays ready."""
        for entry in self.of(name).ready:
            if self._lend(entry):
                self.errors.pop(name, None)
                yield entry
                entry.consume()

    def lend(self, entry: UploadEntry) -> bool:
        """To the running handler, if it is ready: its bytes stay until `take_back`."""
        return entry.is_ready if entry in self._lent else self._lend(entry)

    def _lend(self, entry: UploadEntry) -> bool:
        if not entry.lend():
            return False
        self._lent.append(entry)
        self._lent_refs.add(entry.ref)
        self._lent_slots.add(entry.slot.name)
        return True

    def is_lent(self, ref: str, slot: str | None) -> bool:
        """Whether this upload, or one of this slot, is lent to the running handler."""
        return ref in self._lent_refs or slot in self._lent_slots

    def take_back(self) -> list[UploadEntry]:
        """The handler has finished: releases what it was lent. Returns what it consumed, now off the page."""
        lent, self._lent = self._lent, []
        self._lent_refs, self._lent_slots = set(), set()
        for entry in lent:
            entry.release()
        consumed = list(dict.fromkeys(entry for entry in lent if entry.is_consumed))
        for entry in consumed:
            self.entries.pop(entry.ref, None)
        self.discard(consumed)
        return consumed

    def context(self) -> dict[str, Any]:
        return {name: self.of(name) for name in self.slots}

    def slot(self, name: str) -> Slot:
        """Raises `UploadError("unknown_slot")`."""
        slot = self.slots.get(name)
        if slot is None:
            like = next((like for family, like in self.families if family.has(name)), None)
            if like is None:
                raise UploadError("unknown_slot")
            slot = self.slots[name] = replace(like, name=name)
        return slot


def _is_among(entry: UploadEntry, refs: Collection[str] | None) -> bool:
    return refs is None or entry.ref in refs


def _bytes_of(entries: Iterable[UploadEntry]) -> int:
    return sum(entry.size for entry in entries)


def _read_name(raw: str, path: str | None) -> tuple[FileName, UploadError | None]:
    try:
        return replace(parse_name(raw), folder=parse_folder(path or "")), None
    except UploadError as unreadable:
        return FileName("", ""), unreadable
