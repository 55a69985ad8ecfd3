"""`UploadEntry`: one file of a slot, from its registration until a handler has consumed it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from liveview.process import here
from uploads import events
from uploads.core import machine
from uploads.core.contracts import Found, Hold, Sink
from uploads.core.machine import OPEN, TERMINAL, Impossible, State, Step, Upload, Verdict
from uploads.core.media_types import is_spelling
from uploads.core.names import FileName, parse_name
from uploads.core.slots import Slot
from uploads.core.sniffing import FILE_TYPES, SNIFF_BYTES, FileType
from uploads.entries.quotas import Ledger, Reservation
from uploads.entries.uploader import NOBODY, Uploader
from uploads.errors import UploadError
from uploads.external import RemoteSink
from uploads.staging import choice, disk_space
from uploads.stores.base import Record
from uploads.stores.hold import NO_HOLD
from uploads.writers import causes
from uploads.writers.driver import Driver

UNKNOWN = "application/octet-stream"  # the content type of a file whose first bytes say nothing


class UploadEntry:
    """One file.

    `client_name`, `client_type` and `client_size` are what the browser said; `content_type`, `size`, `sha256`, `width`
    and `height` are what was found; `warnings` are sentences that a validator has for whoever sent it; `preview` is
    what `show_preview` has got. `ref` names the entry on its page, as in `dj-upload-cancel="{{ entry.ref }}"`.
    """

    def __init__(self, upload_id: str, ref: str, slot: Slot, name: FileName, size: int, client_type: str = "") -> None:
        self.ref = ref
        self.slot = slot
        self.name = name.label
        self.safe_name = name.safe_name
        self._extension = name.extension
        self.folder = name.folder
        self.client_type = client_type
        self.content_type = ""
        self.sha256 = ""
        self.width: int | None = None
        self.height: int | None = None
        self.warnings: tuple[str, ...] = ()
        self.preview: Path | None = None
        self.tell_page: Callable[[], object] | None = None  # that it has a preview
        self._once_checked: Callable[[], object] | None = None
        self.writer_result: Any = None
        self.uploader: Uploader = NOBODY
        self.is_posted = False  # in a form: then bytes for external storage are staged here first
        self.began = time.monotonic()
        self.upload = Upload(upload_id, size)
        self.hold: Hold = NO_HOLD
        self.cause: BaseException | None = None  # why it ended, as its writer is told; see `uploads.writers.causes`
        self.sink: Sink = _sink(self)
        self._reservation: Reservation | None = None
        self._head = b""
        self._type: FileType | None = None
        self._file: UploadedFile[Any] | None = None
        self._lock = threading.Lock()  # the event loop and handlers in threads both take steps
        self._holders = 0
        self._is_doomed = False

    def __repr__(self) -> str:
        return f"<UploadEntry {self.ref} {self.upload.state}>"

    # What a template or a handler reads
    @property
    def client_name(self) -> str:
        """The browser's name for the file, safe to show and never to be used as a path; see `safe_name`."""
        return self.name

    @property
    def extension(self) -> str:
        """With its dot, in lower case: what to keep the file under.

        The usual spelling where the first bytes say what it is (`.jpg` of "a.JPEG"), else the name's own, which the
        slot has accepted: `.docx`, `.csv`, "" without one.
        """
        found, own = self._type, self._extension
        return found.extension if found and (not own or is_spelling(own, found.extension)) else own

    @property
    def visitor(self) -> str:
        """A label for logs: the same for all uploads of one visitor, and says nothing else about them."""
        return self.uploader.label

    @property
    def client_path(self) -> str:
        """`client_name` with the folders that were dropped or chosen with it: "holiday/beach/sea.jpg". Only a label."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def client_size(self) -> int:
        return self.upload.size

    @property
    def size(self) -> int:
        """The declared size in bytes. A ready entry has exactly that many."""
        return self.upload.size

    @property
    def state(self) -> State:
        return self.upload.state

    @property
    def claim(self) -> str:
        """What a form without JavaScript sends in `_upload` for a file that it sent before; see `SlotEntries.kept`."""
        return f"{self.upload.id} {self.ref}"

    @property
    def progress(self) -> int:
        """Percent of the bytes that are written, 0 to 100."""
        return self.upload.progress

    @property
    def complete(self) -> bool:
        """Whether the bytes are all here and have passed every check."""
        return self.is_ready or self.is_consumed

    @property
    def error(self) -> str | None:
        """A sentence for the visitor, if the file was refused."""
        return self.upload.error.message if self.upload.error else None

    @property
    def error_code(self) -> str | None:
        """The code of `error`: one of `uploads.errors.SENTENCES`, or a validator's own."""
        return self.upload.error.code if self.upload.error else None

    @property
    def path(self) -> Path:
        """Where the bytes are staged."""
        return self.sink.path

    @property
    def file(self) -> UploadedFile[Any]:
        """The bytes as a Django `UploadedFile`; saving it to local storage renames it.

        Empty if they went elsewhere; `writer_result` says where.
        """
        if self._file is None or self._file.closed:
            self._file = self.sink.file(self.safe_name, self.content_type or UNKNOWN)
        return self._file

    @property
    def data(self) -> bytes:
        """All bytes at once. For large files read `file` in pieces instead."""
        file = self.file
        file.seek(0)
        content: bytes = file.read()
        file.seek(0)
        return content

    def sibling(self, name: str) -> Path:
        """A path on the same file system for something made from this file, and removed with the entry."""
        return self.sink.sibling(name)

    def show_preview(self, path: Path) -> None:
        """In a validator that isn't done: something made of the file can be shown already.

        The slot's `progress` is called with the entry, whose `preview` it is, unless the validator is done by then; and
        again, as ever, when the entry is ready or refused.
        """
        self.preview = path
        if self.tell_page is not None:
            self.tell_page()

    def once_checked(self, call: Callable[[], object]) -> None:
        """In a validator: has `call` called when every validator has passed, right before the entry is ready.

        In a thread, also if the page is gone by then: for finishing what a preview has begun. What it raises refuses
        the entry.
        """
        self._once_checked = call

    def cleanup(self) -> None:
        """Does nothing: what is left of a consumed entry goes by itself. For handlers that call it, as with djust."""

    @property
    def is_open(self) -> bool:
        """Whether more bytes may come."""
        return self.upload.state in OPEN

    @property
    def is_over(self) -> bool:
        return self.upload.state in TERMINAL

    @property
    def is_ready(self) -> bool:
        return self.upload.state is State.READY

    @property
    def is_consumed(self) -> bool:
        return self.upload.state is State.CONSUMED

    @property
    def is_superseded(self) -> bool:
        """Whether it continues elsewhere: it has ended here, but hasn't failed."""
        return self.upload.error is not None and self.upload.error.code == "superseded"

    # Its steps: for `uploads.entries.drive`, but anybody may end it
    def fail(self, error: UploadError) -> bool:
        """False if it is over already."""
        return self.advance(Step.EXPIRE if error.code == "superseded" else Step.REJECT, error)

    def cancel(self, cause: BaseException | None = None) -> bool:
        """False if it is over already. cause: what a writer is told."""
        if not self.advance(Step.CANCEL, UploadError("cancelled")):
            return False
        self.cause = cause
        return True

    def consume(self) -> bool:
        """The application has the file."""
        return self.advance(Step.CONSUME)

    def advance(self, step: Step, error: UploadError | None = None) -> bool:
        """Takes a step of the machine; False if it is no longer possible."""
        with self._lock:
            try:
                self.upload = machine.advance(self.upload, step, error)
            except Impossible:
                return False
        self._stepped()
        return True

    def _stepped(self) -> None:
        if self.is_over and self._reservation is not None:
            here(Ledger).release(self.uploader.share, self.upload.id, self._reservation)
        events.stepped(self)

    def receive(self, offset: int, length: int) -> Verdict:
        """What to do with a chunk that has arrived."""
        with self._lock:
            self.upload, verdict = machine.receive(self.upload, offset, length)
            if isinstance(verdict, machine.Overrun):
                limit = self.slot.max_file_size
                self.cause = causes.oversize(limit if offset + length > limit else self.size)
        if isinstance(verdict, machine.Overrun):
            self._stepped()
        return verdict

    def rewind(self) -> int:
        """Takes back what was received but not written; the offset of the next chunk."""
        with self._lock:
            self.upload = machine.rewind(self.upload)
            return self.upload.written

    def written(self, length: int) -> None:
        """`length` more bytes are in its sink."""
        with self._lock:
            count = self.upload.written + length
            self.upload = machine.written(self.upload, count, min(count, max(self.upload.durable, self.sink.durable)))
        if self._reservation is not None and self._reservation.awaited:
            here(Ledger).written(self._reservation, length)

    def arrived(self, result: Any) -> None:
        """Every byte is at external storage, which calls the file `result`."""
        self.writer_result = result
        with self._lock:
            self.upload, _verdict = machine.receive(self.upload, self.upload.received, self.size - self.upload.received)
            self.upload = machine.written(self.upload, self.upload.received)

    def seal(self) -> bool:
        """Ends receiving if every byte is written; False if some aren't, or it is over."""
        with self._lock:
            try:
                self.upload = machine.seal(self.upload)
            except (Impossible, UploadError):
                return False
            return True

    def look(self, chunk: bytes | memoryview) -> None:
        """Judges the first bytes of the file as they arrive. Raises `UploadError`: `type_mismatch` or `bad_ext`."""
        if len(self._head) < SNIFF_BYTES and not self.content_type:
            self._head += bytes(chunk[: SNIFF_BYTES - len(self._head)])
            if len(self._head) >= min(SNIFF_BYTES, self.size):
                self._type = self.slot.look(self._extension, self._head)
                self.content_type = self._type.mime if self._type else UNKNOWN

    @property
    def file_type(self) -> FileType | None:
        """What the first bytes say it is, if its type is known."""
        return self._type

    def check(self) -> None:
        """All bytes are here: runs the slot's validators, then finishes the sink.

        Blocks; raises `UploadError` or whatever they raise.
        """
        self._once_checked = None
        self.sha256 = self.sink.seal()
        for validator in self.slot.validators:
            validator(self)
        sealed = self.sink.finish()
        self.sha256, self.writer_result = sealed.sha256, sealed.result
        with self._lock:
            self.upload = machine.written(self.upload, self.size)

    def finish_check(self) -> None:
        """What a validator has asked for with `once_checked`. Blocks; raises whatever that raises."""
        if self._once_checked is not None:
            with self.hold.kept_from_others() as is_ours:  # also if it is parked, as its visitor has left
                if is_ours:
                    self._once_checked()

    def restore(self, found: Found) -> None:
        """Continues from what was found, whichever way it is resumed. Raises `UploadError("type_mismatch")`."""
        if found.head:
            self.look(found.head)
        elif found.content_type:
            self._type = next((known for known in FILE_TYPES if known.mime == found.content_type), None)
            self.slot.expect(self._extension, self._type)
            self.content_type = self._type.mime if self._type else UNKNOWN
        with self._lock:
            self.upload = machine.resume(self.upload, found.offset)

    # Quotas
    def reserve(self, uploader: Uploader) -> None:
        """Reserves quota and disk space for its bytes until it is over.

        Blocks; raises `UploadError`: `quota`, `busy`, `storage_full`, or `cancelled` if it is over meanwhile.
        """
        self.uploader = uploader
        is_staged = self.sink.is_staged or (self.is_posted and self.slot.external is not None)
        on_disk = self.sink.on_disk
        awaited = self.size - on_disk if is_staged else 0
        room = disk_space.room() if awaited and not on_disk else math.inf  # what has begun here continues
        made = here(Ledger).reserve(uploader.share, self.upload.id, self.size, awaited, room)
        with self._lock:
            self._reservation = made
            late = self.is_over
        if late:
            here(Ledger).release(uploader.share, self.upload.id, made)
            raise UploadError("cancelled")

    def park_reservation(self, awaited: int = 0) -> None:
        """It still counts for its uploader, for as long as it can be resumed.

        awaited: bytes that the disk is still to take for it, before anybody resumes it.
        """
        here(Ledger).park(self.upload.id, self._reservation, self.hold.ttl, awaited)
        self._reservation = None  # whatever still becomes of this entry, it is the next one's

    @contextmanager
    def parked_reservation(self, awaited: int = 0) -> Iterator[None]:
        """Parks it; if what is done within raises, as when its record can't be stored, nobody can resume it."""
        self.park_reservation(awaited)
        try:
            yield
        except BaseException:
            here(Ledger).release(self.uploader.share, self.upload.id, None)
            raise

    # Who needs the bytes
    def pin(self) -> None:
        """The bytes stay, whatever happens, until `release` has been called as often."""
        with self._lock:
            self._holders += 1

    def lend(self) -> bool:
        """Pins the bytes for a handler if the entry is ready, and rewinds its file."""
        with self._lock:
            if not self.is_ready:
                return False
            self._holders += 1
        self._close()
        return True

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            is_free, is_doomed = not self._holders, self._is_doomed
        if is_free and is_doomed:
            self._end()
        elif is_free:
            self._close()

    def discard(self) -> None:
        """Removes the staged bytes, now or once nobody holds them, unless they are somebody else's. Blocks."""
        with self._lock:
            self._is_doomed = True
            if self._holders:
                return
        self._end()

    def park(self) -> None:
        """Lets go of the bytes and leaves them in place, to be resumed. Blocks."""
        self._close()
        self.sink.park()
        with self._lock:
            durable = min(self.upload.written, max(self.upload.durable, self.sink.durable))
            self.upload = replace(self.upload, durable=durable)
        self.park_reservation()
        self.hold.park(durable)

    def reopen(self) -> None:
        """Resumes from the bytes that came before. Blocks; raises `UploadError`."""
        self.restore(self.sink.reopen(self.hold))

    def restart(self) -> None:
        """Goes on after a failure that passes, from what outlived it. Blocks; raises `UploadError`."""
        if self.sink.is_broken and self.sink.outlives:
            self.sink.park()
            sink = _sink(self)
            found = sink.reopen(self.hold)
            self.sink = sink
            with self._lock:
                self.upload = machine.restart(self.upload, found.offset)

    def let_go(self) -> None:
        """The upload is resumed or cleaned up elsewhere: the hold is no longer ours."""
        self.hold = NO_HOLD

    @property
    def tail(self) -> tuple[str, int]:
        """Hexadecimal SHA-256 of the last bytes before the offset, and their number."""
        return self.sink.tail

    def _end(self) -> None:
        if self._is_anothers():
            self.let_go()
            self.park()
        else:
            self._remove()

    def _is_anothers(self) -> bool:
        """Whether somebody else has resumed it: then the bytes are theirs."""
        if self.slot.external is not None or self.is_consumed:
            return False
        return self.is_superseded or self.hold.is_anothers()

    def _remove(self) -> None:
        self._close()
        here(Ledger).release(self.uploader.share, self.upload.id, self._reservation)
        refusal = self.upload.error if self.state is State.REJECTED else None
        self.sink.discard(None if self.is_consumed else self.cause or refusal or causes.cancelled())
        self.hold.forget()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def entry_of(record: Record, slot: Slot, ref: str, hold: Hold = NO_HOLD) -> UploadEntry:
    """The upload of a record, before its bytes are looked for; see `uploads.entries.drive.resume`."""
    name = replace(parse_name(record.name), folder=record.folder)
    entry = UploadEntry(record.id, ref, slot, name, record.size, record.client_type)
    entry.hold = hold
    entry.sink.recall(record.writer)
    return entry


def is_remote(slot: Slot) -> bool:
    """Whether the sink of such an entry is; see `uploads.core.contracts.Sink`."""
    return slot.is_remote or choice.is_remote()


def _sink(entry: UploadEntry) -> Sink:
    """Where its bytes go: the one place that decides."""
    if entry.slot.external is not None:
        return RemoteSink(entry, entry.slot.external)
    if entry.slot.writer is not None:
        return Driver(entry, entry.slot.writer)
    return choice.sink_for(entry)
