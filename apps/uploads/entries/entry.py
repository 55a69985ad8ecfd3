"""`UploadEntry`: one file of a slot, from its registration until a handler has consumed it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile

from uploads import events
from uploads.conf import conf
from uploads.core import machine
from uploads.core.machine import OPEN, TERMINAL, Impossible, State, Step, Upload, Verdict
from uploads.core.names import FileName
from uploads.core.slots import Slot
from uploads.core.sniffing import FILE_TYPES, SNIFF_BYTES, FileType, check_type
from uploads.entries.quotas import Reservation, ledger
from uploads.errors import UploadError
from uploads.staging import disk_space
from uploads.staging.files import StagedFile, StagingFile
from uploads.writers import causes
from uploads.writers.driver import Driver, resume

if TYPE_CHECKING:
    from uploads.stores.lease import Keeper


class UploadEntry:
    """One file.

    `client_name`, `client_type` and `client_size` are what the browser said; `content_type`, `size`, `sha256`, `width`
    and `height` are what was found. `ref` names the entry on its page, in `dj-upload-cancel="{{ entry.ref }}"` for one.
    """

    def __init__(self, upload_id: str, ref: str, slot: Slot, name: FileName, size: int, client_type: str = "") -> None:
        self.ref = ref
        self.slot = slot
        self.name = name.label
        self.safe_name = name.safe_name
        self.extension = name.extension
        self.folder = name.folder
        self.client_type = client_type
        self.content_type = ""
        self.sha256 = ""
        self.width: int | None = None
        self.height: int | None = None
        self.writer_result: Any = None
        self.visitor = ""  # whose it is, for logs; see `uploads.events`
        self.began = time.monotonic()
        self.upload = Upload(upload_id, size)
        self.keeper: Keeper | None = None
        self._reservation: Reservation | None = None
        self.cause: BaseException | None = None  # why it ended, as its writer is told; see `uploads.writers.causes`
        self._driver = Driver(self) if slot.writer is not None else None
        self._staging = StagingFile(upload_id)
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
    def client_path(self) -> str:
        """`client_name` with the folders that were dropped or chosen with it: "holiday/beach/sea.jpg". Only a label."""
        return f"{self.folder}/{self.name}" if self.folder else self.name

    @property
    def client_size(self) -> int:
        return self.upload.size

    @property
    def size(self) -> int:
        """The declared size in bytes. A ready entry has exactly as many."""
        return self.upload.size

    @property
    def state(self) -> State:
        return self.upload.state

    @property
    def progress(self) -> int:
        """Percent of the bytes that are written, 0 to 100."""
        return self.upload.progress

    @property
    def complete(self) -> bool:
        """Whether the bytes are all here and have passed every check."""
        return self.state in (State.READY, State.CONSUMED)

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
        return self._staging.path

    @property
    def file(self) -> UploadedFile[Any]:
        """The bytes as a Django `UploadedFile`; saving it to local storage renames it.

        Empty where a writer took them.
        """
        if self._file is None or self._file.closed:
            content_type = self.content_type or "application/octet-stream"
            if self._driver is not None:
                self._file = SimpleUploadedFile(self.safe_name, b"", content_type)
            else:
                self._file = StagedFile(self.path, self.safe_name, content_type)
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
        """A path on the same file system for something made of this file. It is removed with the entry."""
        return self._staging.sibling(name)

    # What drives it
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
            ledger.release(self.upload.id, self._reservation)
        events.stepped(self)

    def receive(self, offset: int, length: int) -> Verdict:
        """What is to be done with a chunk that has arrived."""
        with self._lock:
            self.upload, verdict = machine.receive(self.upload, offset, length)
            if isinstance(verdict, machine.Overrun):
                limit = self.slot.max_file_size
                self.cause = causes.oversize(limit if offset + length > limit else self.size)
        if isinstance(verdict, machine.Overrun):
            self._stepped()
        return verdict

    def rewind(self) -> int:
        """Takes back what was received and isn't written; the offset of the next chunk."""
        with self._lock:
            self.upload = machine.rewind(self.upload)
            return self.upload.written

    def written(self, length: int) -> None:
        """So many more bytes are in the staging file, or with the writer."""
        with self._lock:
            count = self.upload.written + length
            durable = count if self._driver is None else max(self.upload.durable, self._driver.durable)
            self.upload = machine.written(self.upload, count, durable)

    def seal(self) -> bool:
        """Ends the receiving if every byte is written; False if some aren't, or it is over."""
        with self._lock:
            try:
                self.upload = machine.seal(self.upload)
            except (Impossible, UploadError):
                return False
            return True

    def fail(self, error: UploadError) -> bool:
        """Nothing is wrong with one that goes on elsewhere: only here it has ended."""
        return self.advance(Step.EXPIRE if error.code == "superseded" else Step.REJECT, error)

    @property
    def is_open(self) -> bool:
        """Whether more bytes may come."""
        return self.upload.state in OPEN

    @property
    def is_over(self) -> bool:
        return self.upload.state in TERMINAL

    def look(self, chunk: bytes | memoryview) -> None:
        """Judges the first bytes of the file as they arrive. Raises `UploadError("type_mismatch")`."""
        if len(self._head) < SNIFF_BYTES and not self.content_type:
            self._head += bytes(chunk[: SNIFF_BYTES - len(self._head)])
            if len(self._head) >= min(SNIFF_BYTES, self.size):
                self._type = check_type(self.extension, self._head)
                self.content_type = self._type.mime if self._type else "application/octet-stream"

    @property
    def file_type(self) -> FileType | None:
        """What the first bytes say it is, if it is a type we know."""
        return self._type

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Appends to the staging file, or passes on to the writer. Blocks; raises `UploadError`."""
        (self._driver or self._staging).write(chunks)

    def check(self) -> None:
        """All bytes are here: asks the slot's validators, then closes the writer.

        Blocks; raises `UploadError` or whatever they raise.
        """
        self.sha256 = self._staging.finish() if self._driver is None else self._driver.sha256
        for validator in self.slot.validators:
            validator(self)
        if self._driver is not None:
            self.writer_result = self._driver.close()
            self.sha256 = self._driver.sha256
            with self._lock:
                self.upload = machine.written(self.upload, self.size)

    # What it counts for
    def reserve(self, owner: str) -> None:
        """Counts its bytes for that owner until it is over. Raises `UploadError`: `quota`, `busy`, `storage_full`."""
        if not self.upload.received and not self.slot.is_elsewhere:
            disk_space.expect_room()
        self._reservation = ledger.reserve(owner, self.upload.id, self.size)

    def rest(self) -> None:
        """It still counts for its owner, for as long as it can be resumed."""
        seconds = self.keeper.ttl if self.keeper is not None else conf().upload_state_ttl
        ledger.rest(self.upload.id, self._reservation, seconds)

    # Who needs the bytes
    def hold(self) -> None:
        """The bytes stay, whatever happens, until `release` has been called as often."""
        with self._lock:
            self._holders += 1

    def lend(self) -> bool:
        """Holds the bytes for a handler if the entry is ready, its file read from the beginning."""
        with self._lock:
            if self.upload.state is not State.READY:
                return False
            self._holders += 1
        self._close()
        return True

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            due = self._is_doomed and not self._holders
        if due:
            self._end()

    def discard(self) -> None:
        """Removes the staged bytes, now or when nobody holds them any longer, unless they are another's. Blocks."""
        with self._lock:
            self._is_doomed = True
            if self._holders:
                return
        self._end()

    def park(self) -> None:
        """Lets go of the bytes and leaves them where they are, for whoever resumes. Blocks."""
        self._close()
        if self._driver is not None:
            self._driver.park()
        self._staging.park()
        self.rest()
        if self.keeper is not None:
            self.keeper.release(self.upload.durable)

    def reopen(self) -> None:
        """Goes on with the bytes that were staged before. Blocks; raises `UploadError`."""
        if self._driver is None:
            is_leased = self.keeper is not None  # else it is a request's, and those are silent when they end
            patience = conf().lease if is_leased else conf().silence / 2
            offset = self._staging.reopen(self.look, self.size, patience=patience, make=is_leased)
        else:
            self._driver, offset = resume(self)
            known = (file_type for file_type in FILE_TYPES if file_type.mime == self.content_type)
            self._type = next(known, None)
        with self._lock:
            self.upload = machine.resume(self.upload, offset)

    @property
    def tail(self) -> tuple[str, int]:
        """SHA-256 in hexadecimal of the last bytes before the offset, and how many these are."""
        return self._staging.tail if self._driver is None else self._driver.tail

    def _end(self) -> None:
        if self._is_anothers():
            self.keeper = None
            self.park()
        else:
            self._remove()

    def _is_anothers(self) -> bool:
        """Whether somebody has gone on with it elsewhere: then the bytes are his."""
        if self.slot.external is not None or self.state is State.CONSUMED:
            return False
        is_told = self.upload.error is not None and self.upload.error.code == "superseded"
        return is_told or self.keeper is not None and self.keeper.is_anothers()

    def _remove(self) -> None:
        self._close()
        self._staging.discard()
        ledger.release(self.upload.id, self._reservation)
        if self._driver is not None and self.state is not State.CONSUMED:
            refusal = self.upload.error if self.state is State.REJECTED else None
            self._driver.discard(self.cause or refusal or causes.cancelled())
        if self.keeper is not None:
            self.keeper.forget()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
