"""An upload between two requests: its bytes are staged, and its record says whose it is, of which page and slot."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from django.http import HttpRequest

from liveview.core.messages import Message
from uploads.conf import conf
from uploads.core.machine import Step
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.errors import UploadError
from uploads.fallback.forms import feed
from uploads.owners import known_owner, owner_of
from uploads.stores import Record, StateStore, get_store
from uploads.stores.lease import Keeper

WRITING: Final = 30.0  # seconds after which a request that died while it wrote keeps nobody else away
CHECKING: Final = 300.0  # the same for one that looks at the whole file, which nothing can renew meanwhile
BLOCK: Final = 256 * 1024  # bytes read at a time

ID: Final = re.compile(r"[0-9a-f]{32}")

# Keys of `Record.http`
PAGE: Final = "page"  # there if it came without a socket
TAKEN: Final = "taken"  # there once the application has the file: a question that is asked again gets its answer again

# To write bytes the view's own slot isn't needed, only its name, for the log.
_PLAIN: Final = Slot(name="page", accept=Accept.parse(""))


def store() -> StateStore:
    """The site's: shared by every process."""
    return get_store()


def ttl() -> float:
    """Seconds that an upload may rest."""
    return float(conf().upload_state_ttl)


def keep(entry: UploadEntry, request: HttpRequest) -> None:
    """Makes a record of an upload that was registered by this request."""
    record = Record(
        id=entry.upload.id,
        owner=owner_of(request),
        page=request.path,
        slot=entry.slot.name,
        name=entry.name,
        size=entry.size,
        client_type=entry.client_type,
        folder=entry.folder,
        http={PAGE: "1"},
    )
    store().save(record, ttl())
    entry.rest()


def find(request: HttpRequest, upload_id: str) -> Record:
    """Raises `UploadError("unknown_ref")`: absent, of another page and not yours are the same answer."""
    record = store().load(upload_id) if ID.fullmatch(upload_id) else None  # some databases refuse to look for others
    owner = known_owner(request)
    if record is None or not owner or (record.owner, record.page) != (owner, request.path) or PAGE not in record.http:
        raise UploadError("unknown_ref")
    return record


def resumable(request: HttpRequest, message: Message) -> Record:
    """The record that an `upload_resume` asks for, whichever way it began. Raises `UploadError("unknown_ref")`."""
    record = store().load(message["upload_id"])
    here = (known_owner(request), request.path, message["slot"], message["size"])
    if record is None or (record.owner, record.page, record.slot, record.size) != here or is_taken(record):
        raise UploadError("unknown_ref")
    return record


def is_taken(record: Record) -> bool:
    return TAKEN in record.http


def mark_taken(record: Record) -> None:
    """For who asks again because the answer was lost. The bytes are the application's now."""
    store().save(replace(record, http={**record.http, TAKEN: "1"}), ttl())


def append(record: Record, offset: int, pieces: Iterator[bytes], visitor: str) -> int:
    """Writes a chunk that starts at `offset`; how many bytes are there now.

    What is there already of it is passed over, and nothing is written of one that starts further on. Raises
    `UploadError`: `locked` while another request writes, `size_mismatch` for a chunk that goes past the end,
    `type_mismatch`, after which nothing is left, and `unknown_ref` where it was cancelled meanwhile. `visitor` is for
    logs.
    """
    entry = _entry(record)
    entry.visitor = visitor
    _acquire(entry, record, WRITING)
    try:
        entry.reopen()
        if offset <= entry.upload.durable:
            _write(entry, offset, pieces)
    except UploadError as refused:
        if refused.code == "type_mismatch":
            entry.fail(refused)
            entry.discard()
        else:
            entry.park()
        raise
    if entry.keeper is not None and not entry.keeper.is_ours():
        entry.discard()
        raise UploadError("unknown_ref")
    entry.park()
    return entry.upload.durable


def measure(record: Record, holder: str) -> UploadEntry:
    """The upload as far as it got, on a socket or without one: for who wants to go on. Raises `UploadError`."""
    entry = _entry(record)
    _acquire(entry, record, WRITING, holder)
    try:
        entry.reopen()
    except UploadError as refused:
        entry.park() if refused.code == "locked" else entry.discard()
        raise
    entry.park()
    store().replace(replace(record, http={**record.http, PAGE: "1"}))
    return entry


def take(uploads: Uploads, record: Record, ref: str) -> UploadEntry:
    """The upload as an entry of its slot, to be judged. Raises `UploadError`, and then it rests as before."""
    entry = _entry(record, uploads.slot(record.slot), ref)
    uploads.check_again(entry)
    _acquire(entry, record, CHECKING)
    try:
        entry.reopen() if entry.slot.writer is None else _hand_to_writer(entry)
        if entry.is_open and not entry.seal():
            raise UploadError("incomplete")
        uploads.adopt(entry)
    except UploadError:
        entry.park()
        raise
    entry.advance(Step.CHECK)
    return entry


def _hand_to_writer(entry: UploadEntry) -> None:
    """Its bytes were staged as no view was there to say who writes them. Raises `UploadError`, and then it is over."""
    failure = feed(entry, _read(entry.path))
    if failure is not None:
        entry.fail(failure)
        entry.discard()
        raise failure


def staged(record: Record, slot: Slot, ref: str) -> UploadEntry:
    """An upload whose checks are its writer's, who gets the bytes later. Raises `UploadError("incomplete")`."""
    entry = stand_in(record, slot, ref)
    if not entry.path.exists() or entry.path.stat().st_size != record.size:
        raise UploadError("incomplete")
    return entry


def give_back(uploads: Uploads, entry: UploadEntry) -> bool:
    """Lets an entry rest again that nobody has consumed. What a writer has taken can't be given back: False."""
    if entry.slot.writer is not None or entry.is_over:
        return False
    uploads.staged.discard(entry)
    entry.park()
    _tidy(entry.upload.id)
    return True


def remove(record: Record, visitor: str) -> None:
    """Ends an upload. A request that writes to it right now finds it gone, and cleans up after itself."""
    store().forget(record.id)
    if not is_taken(record):
        entry = _entry(record)
        entry.visitor = visitor
        entry.advance(Step.CANCEL, UploadError("cancelled"))
        entry.discard()
        _tidy(record.id)


def _tidy(upload_id: str) -> None:
    """Removes what the slot's checks made of the file: they will make it again."""
    for path in conf().staging_dir.glob(f"{upload_id}.*"):
        path.unlink(missing_ok=True)


def stand_in(record: Record, slot: Slot, ref: str) -> UploadEntry:
    """An entry that shows why the upload couldn't be taken. It has no hold on its bytes."""
    return _entry(record, slot, ref)


def _entry(record: Record, slot: Slot | None = None, ref: str = "page") -> UploadEntry:
    slot = slot or replace(_PLAIN, name=record.slot)
    name = replace(parse_name(record.name), folder=record.folder)
    return UploadEntry(record.id, ref, slot, name, record.size, record.client_type)


def _acquire(entry: UploadEntry, record: Record, seconds: float, holder: str = "") -> None:
    lease = store().acquire(record.id, holder or secrets.token_hex(8), seconds)
    if lease is None:
        raise UploadError("locked")
    entry.keeper = Keeper(store(), lease, ttl(), record)


def _write(entry: UploadEntry, offset: int, pieces: Iterator[bytes]) -> None:
    """What is new of a chunk. Each piece is looked at before it is written."""
    for piece in pieces:
        known = max(0, min(len(piece), entry.upload.written - offset))
        new = piece[known:]
        offset += len(piece)
        if not new:
            continue
        if entry.upload.written + len(new) > entry.size:
            raise UploadError("size_mismatch")
        entry.look(new)
        entry.write([new])
        entry.receive(entry.upload.received, len(new))
        entry.written(len(new))


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except FileNotFoundError:
        return
