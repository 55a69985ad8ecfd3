"""An upload parked between requests: its bytes are staged, its record says whose it is, and for which page and slot."""

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
from uploads.core.slots import Accept, Slot
from uploads.entries import drive
from uploads.entries.entry import UploadEntry, entry_of
from uploads.entries.registry import Uploads
from uploads.entries.uploader import Uploader
from uploads.errors import UploadError
from uploads.owners import known_owner, owner_of
from uploads.staging.files import NOTE
from uploads.stores import Record, StateStore, get_store, hold
from uploads.writers.driver import Driver

WRITING: Final = 30.0  # seconds after which a request that died while writing no longer blocks others
CHECKING: Final = 300.0  # the same for one that checks the whole file, when nothing can renew the lease
BLOCK: Final = 256 * 1024  # bytes read at a time

ID: Final = re.compile(r"[0-9a-f]{32}")

# Keys of `Record.http`
PAGE: Final = "page"  # set if it came without a socket
TAKEN: Final = "taken"  # set once the application has the file, so that a repeated request gets the same answer

# Writing bytes doesn't need the view's slot, only its name, for the log. It may be that of a form's field.
_PLAIN: Final = Slot(name="page", accept=Accept.parse(""), in_form=True)


def store() -> StateStore:
    """The site's store, shared by every process."""
    return get_store()


def ttl() -> float:
    """Seconds the upload may stay parked."""
    return float(conf().upload_state_ttl)


def begin(entry: UploadEntry, request: HttpRequest) -> None:
    """Stores the record of an upload that this request registered."""
    record = hold.record_of(entry, owner_of(request), request.path, entry.slot.name, entry.folder, {PAGE: "1"})
    with entry.parked_reservation():
        store().save(record, ttl())


def keep(uploads: Uploads, entry: UploadEntry, request: HttpRequest) -> None:
    """Parks a ready entry that came in one go, as if it had come in chunks."""
    begin(entry, request)
    uploads.staged.discard(entry)
    entry.park()
    _tidy(entry.upload.id)


def find(request: HttpRequest, upload_id: str) -> Record:
    """Raises `UploadError("unknown_ref")`: absent, of another page and not yours get the same answer."""
    record = store().load(upload_id) if ID.fullmatch(upload_id) else None  # some databases refuse anything else
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
    """For a client that asks again because the answer was lost. The bytes are the application's now."""
    store().save(replace(record, http={**record.http, TAKEN: "1"}), ttl())


def append(record: Record, offset: int, pieces: Iterator[bytes], uploader: Uploader) -> int:
    """Writes a chunk that starts at `offset`; how many bytes are here now.

    What is here already is skipped, and a chunk that starts further on isn't written. Raises `UploadError`: `locked`
    while another request writes, `unknown_ref` if the upload was cancelled meanwhile, and whatever else ends it, after
    which nothing of it is left.
    """
    entry = _held(record, _PLAIN, WRITING)
    drive.resume(entry, uploader)
    try:
        if offset <= entry.upload.written:
            _write(entry, offset, pieces)
    except BaseException:
        entry.discard() if entry.is_over else entry.park()
        raise
    if not entry.hold.is_ours():
        entry.discard()
        raise UploadError("unknown_ref")
    entry.park()
    return entry.upload.written


def measure(record: Record, holder: str, uploader: Uploader) -> UploadEntry:
    """The upload as far as it got, with or without a socket, for a client to resume. Raises `UploadError`."""
    entry = _held(record, _PLAIN, WRITING, holder=holder)
    drive.resume(entry, uploader)
    current = entry.hold.record if isinstance(entry.hold, hold.StoredHold) else record
    store().replace(replace(current, http={**current.http, PAGE: "1"}))
    entry.park()
    return entry


def take(uploads: Uploads, record: Record, ref: str) -> UploadEntry:
    """The upload as an entry of its slot, to be settled. Raises `UploadError`; it stays parked then."""
    slot = uploads.slot(record.slot)
    uploads.check_again(stand_in(record, slot, ref))
    entry = _held(record, slot, CHECKING, ref)
    drive.resume(entry, uploads.uploader)
    try:
        if entry.slot.writer is not None:
            _expect_whole(record)
        elif not entry.upload.is_complete:
            raise UploadError("incomplete")
        uploads.adopt(entry)
    except UploadError:
        entry.park()
        raise
    return entry


def settle(uploads: Uploads, entry: UploadEntry) -> UploadError | None:
    """Why the upload must be refused, if so. Then it is off the page, and parked as before if it isn't over, as what
    refused it passes.

    A writer gets its bytes only now: they were staged, since no view was there to say who writes them.
    """
    refusal = _deliver(entry)
    if refusal is not None:
        uploads.staged.discard(entry)
        if not entry.is_over:
            entry.park()
    else:
        uploads.settled(entry)
    return refusal


def _deliver(entry: UploadEntry) -> UploadError | None:
    if entry.slot.writer is None:
        return _refusal(drive.deliver(entry, ()))
    assert isinstance(entry.hold, hold.StoredHold)
    before = entry.hold.record.writer
    plain = stand_in(entry.hold.record, _PLAIN)
    plain.hold = entry.hold
    try:
        plain.sink.reopen(plain.hold)
        plain.sink.seal()  # whatever of it is elsewhere is here then
    except UploadError as failure:
        return failure
    refusal = _refusal(drive.deliver(entry, _read(plain.path)))
    if refusal is None or entry.is_over:
        plain.sink.discard(None)
    else:  # the next writer gets all of it again
        assert isinstance(entry.sink, Driver)
        entry.sink.start_over(refusal)
        entry.hold.record_writer(dict(before))
    return refusal


def _refusal(outcome: drive.Outcome) -> UploadError | None:
    return outcome.error if isinstance(outcome, drive.Refused | drive.Postponed) else None


def _expect_whole(record: Record) -> None:
    """Raises `UploadError("incomplete")` unless all bytes are staged, for a writer."""
    if stand_in(record, _PLAIN).sink.measure() != record.size:
        raise UploadError("incomplete")


def staged(record: Record, slot: Slot, ref: str) -> UploadEntry:
    """An upload that its writer checks when it gets the bytes, later. Raises `UploadError("incomplete")`."""
    _expect_whole(record)
    return stand_in(record, slot, ref)


def give_back(uploads: Uploads, entry: UploadEntry) -> bool:
    """Parks an unconsumed entry again. False if it is over, or a writer has its bytes: they can't be given back."""
    if entry.slot.writer is not None or entry.is_over:
        return False
    uploads.staged.discard(entry)
    entry.park()
    _tidy(entry.upload.id)
    return True


def remove(record: Record, uploader: Uploader) -> None:
    """Ends an upload. A request that is writing to it finds it gone, and cleans up after itself."""
    store().forget(record.id)
    if not is_taken(record):
        entry = stand_in(record, _PLAIN)
        entry.uploader = uploader
        entry.cancel()
        entry.discard()
        _tidy(record.id)


def _tidy(upload_id: str) -> None:
    """Removes what the slot's checks made from the file: they will make it again."""
    for path in conf().staging_dir.glob(f"{upload_id}.*"):
        if path.suffix != f".{NOTE}":
            path.unlink(missing_ok=True)


def stand_in(record: Record, slot: Slot, ref: str = "page") -> UploadEntry:
    """An entry that shows why the upload couldn't be taken. It has no hold on its bytes."""
    return entry_of(record, replace(slot, name=record.slot), ref)


def _held(record: Record, slot: Slot, seconds: float, ref: str = "page", holder: str = "") -> UploadEntry:
    """Raises `UploadError("locked")`."""
    entry = stand_in(record, slot, ref)
    entry.hold = hold.take_again(store(), record, holder or secrets.token_hex(8), ttl(), seconds=seconds)
    return entry


def _write(entry: UploadEntry, offset: int, pieces: Iterator[bytes]) -> None:
    """Writes what is new of a chunk."""
    for piece in pieces:
        new = piece[max(0, min(len(piece), entry.upload.written - offset)) :]
        offset += len(piece)
        if not new:
            continue
        match drive.feed(entry, new):
            case drive.Write():
                drive.commit(entry, [new])
            case drive.Refused(error):
                raise error
            case _:
                raise UploadError("unknown_ref")


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
