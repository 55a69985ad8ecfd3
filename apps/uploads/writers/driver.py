"""The sink for a slot's writer: calls it by its contract, in order, one call at a time, and never after its end.

Ending an upload never waits for a call under way: the thread in that call does what is left to do.
"""

from __future__ import annotations

import hashlib
import logging
import mimetypes
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from django.core.files.uploadedfile import SimpleUploadedFile

from liveview.process import here
from uploads.core.contracts import Entry, Found, Hold, Sealed, WriterFactory
from uploads.core.sniffing import ACTIVE_EXTENSIONS
from uploads.errors import UploadError
from uploads.staging.files import StagingFile
from uploads.writers.buffered import BufferedUploadWriter
from uploads.writers.call_gate import CallGate
from uploads.writers.causes import session_closed
from uploads.writers.contract import UploadWriter
from uploads.writers.resumable import ResumableUploadWriter, goes_on_elsewhere
from uploads.writers.waiting import Waiting

logger = logging.getLogger("uploads")


class Drivers:
    """This process's drivers that have made a writer, by upload id."""

    def __init__(self) -> None:
        self._live: WeakValueDictionary[str, Driver] = WeakValueDictionary()
        self._lock = threading.Lock()

    def enter(self, upload_id: str, driver: Driver) -> None:
        with self._lock:
            self._live[upload_id] = driver

    def find(self, upload_id: str) -> Driver | None:
        with self._lock:
            return self._live.get(upload_id)


class Driver:
    """Stands between an entry and its writer. Methods block as long as the writer does, unless they say otherwise."""

    is_remote = True
    is_staged = False
    on_disk = 0

    def __init__(self, entry: Entry, factory: WriterFactory) -> None:
        self._entry, self._factory = entry, factory
        self._writer: UploadWriter | None = None
        self._held: list[bytes] = []  # the first bytes, until they have shown what the file is
        self._hash: Any = hashlib.sha256()  # None if unknown: after a resume
        self._gate = CallGate()
        self._hold = entry.hold
        self._is_closed = False
        self._is_kept = False  # the writer has failed in passing, and a new one can go on
        self._result: Any = None
        self._beside = StagingFile(entry.upload.id, 0)  # never written: what validators make goes beside it
        self.written = 0  # bytes handed to the writer, by this driver or those before
        self.durable = 0  # those of them that a resume would find

    @property
    def path(self) -> Path:
        return self._beside.path

    def sibling(self, name: str) -> Path:
        return self._beside.sibling(name)

    def file(self, name: str, content_type: str) -> SimpleUploadedFile:
        """Empty: the writer has the bytes."""
        return SimpleUploadedFile(name, b"", content_type)

    @property
    def is_broken(self) -> bool:
        return self._gate.is_over

    @property
    def outlives(self) -> bool:
        """Unless the writer has been aborted, or is somebody else's now.

        But where all bytes are staged here, a new one gets them again.
        """
        return not self._gate.is_over or self._is_kept or (self._hold.is_held and self.path.exists())

    @property
    def tail(self) -> tuple[str, int]:
        """See `ResumableUploadWriter.tail`."""
        if isinstance(self._writer, ResumableUploadWriter) and goes_on_elsewhere(self._writer):
            return self._writer.tail(self.written)
        return "", 0

    # In the order of an upload's life
    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Passes pieces on, the first of them once they have shown what the file is. Raises `UploadError`."""
        if self._is_closed or not self._gate.enter():
            return
        try:
            self._held += map(bytes, pieces)
            if self._entry.content_type:
                self._pass_on(self._writer or self._open())
        except BaseException as failure:
            raise self._failed(failure) from None
        finally:
            self._gate.leave()

    def seal(self) -> str:
        """Empty while unknown."""
        if self._hash is not None:
            return str(self._hash.hexdigest())
        return self._writer.sha256 if isinstance(self._writer, ResumableUploadWriter) else ""

    def finish(self) -> Sealed:
        """Closes the writer. Raises `UploadError`; it may be called again after one that `passes`."""
        if not self._is_closed:  # it is if the page came back after the upload was complete
            self._close()
        return Sealed(self.seal(), self._result)

    def _close(self) -> None:
        writer = self._writer
        if writer is None or not self._gate.enter():
            raise UploadError("cancelled")
        try:
            if isinstance(writer, BufferedUploadWriter):
                writer.flush(final=True)
            self._result = writer.close()
        except BaseException as failure:
            if isinstance(failure, UploadError) and failure.passes:
                raise
            raise self._failed(failure) from None
        else:
            self._closed()
        finally:
            self._gate.leave()

    def discard(self, cause: BaseException | None) -> None:
        """Nobody wants it any more: aborts the writer, or has it remove what it stored. Waits for no other thread.

        Leaves alone what another process has resumed.
        """
        self._beside.discard()
        if cause is None:
            return
        if not self._entry.hold.is_ours():
            self.park()
        elif self._is_closed:
            self._discard_result()
        else:
            self.start_over(cause)

    def start_over(self, cause: BaseException) -> None:
        """Another writer gets all of it again: aborts this one, unless it is closed. Waits for no other thread."""
        if self._is_closed:
            return
        if self._is_kept:
            self._is_kept = False
            self._abort(cause)
        else:
            self._gate.end(partial(self._abort, cause))

    def park(self) -> None:
        """The socket is gone, and the upload may be resumed elsewhere. Waits for no other thread."""
        self._gate.end(self._suspend)

    def drop(self, cause: BaseException) -> None:
        """Nobody has resumed it here. Whether somebody has consumed it elsewhere is unknown."""
        if not self._is_closed:
            self._abort(cause)

    @property
    def is_heavy(self) -> bool:
        """Whether keeping it takes memory."""
        return not self._is_closed

    # Resuming
    def hand_over(self) -> bool:
        """Lets go of the upload, now or as soon as the running call returns; whether that was now."""
        self._entry.let_go()
        self.park()
        return self._gate.is_over

    def recall(self, writer: Mapping[str, Any]) -> None:
        """It is asked of the hold, once it is resumed."""

    def measure(self) -> int | None:
        """Only a resumed writer can say."""
        return self.durable or None

    def reopen(self, hold: Hold) -> Found:
        """Resumes from what an earlier writer has written, with that very instance if it waits in this process.

        Raises `UploadError`: `locked` while the last call to it is still under way, anything else if the upload must
        start over.
        """
        upload_id, self._hold = self._entry.upload.id, hold
        old = here(Drivers).find(upload_id)
        if old is not None and old._entry is not self._entry and not old.hand_over():
            raise UploadError("locked")
        waiting = here(Waiting).take(upload_id)
        if isinstance(waiting, Driver):
            return self._succeed(waiting)
        content_type, state = hold.writer.get("type"), hold.writer.get("state")
        if not isinstance(content_type, str) or not isinstance(state, dict):
            return Found()  # nothing was written
        offset = self._replace(content_type, state)
        return Found(offset, content_type=content_type) if offset else Found()

    def _succeed(self, old: Driver) -> Found:
        """Takes over the very writer of a driver that is over."""
        self._writer, old._writer = old._writer, None
        self._is_closed, old._is_closed = old._is_closed, False
        self._hash, self._result = old._hash, old._result
        self.written = self.durable = old.written
        if isinstance(self._writer, ResumableUploadWriter):
            self._writer.keep_with(partial(self._keep, self._writer))
        here(Drivers).enter(self._entry.upload.id, self)
        return Found(self.written, content_type=old._entry.content_type)

    def _replace(self, content_type: str, state: dict[str, Any]) -> int:
        """Makes a new writer; its offset."""
        if not self._gate.enter():
            raise UploadError("unknown_ref")
        try:
            writer = self._make(content_type)
            if not isinstance(writer, ResumableUploadWriter):
                return 0
            writer.resume_state = state
            writer.confirmed = self._hold.offset
            self._writer = writer
            writer.open()
            offset = writer.measure()
            if not 0 <= offset <= self._entry.size:
                raise UploadError("unknown_ref")
        except BaseException as failure:
            raise self._not_reopened(failure) from None
        finally:
            self._gate.leave()
        self.written = self.durable = offset
        self._hash = None if offset else self._hash
        return offset

    # The calls
    def _make(self, content_type: str) -> UploadWriter:
        entry = self._entry
        here(Drivers).enter(entry.upload.id, self)
        writer: UploadWriter = self._factory(
            upload_id=entry.upload.id, filename=entry.name, content_type=content_type, expected_size=entry.size
        )
        if isinstance(writer, ResumableUploadWriter):
            writer.keep_with(partial(self._keep, writer))
        return writer

    def _open(self) -> UploadWriter:
        self._hold = self._entry.hold
        if not self._hold.is_ours():  # somebody has resumed it before it had a writer
            raise UploadError("superseded")
        writer = self._writer = self._make(_type_of(self._entry))
        if isinstance(writer, ResumableUploadWriter) and goes_on_elsewhere(writer):
            writer.save_state()
        writer.open()
        return writer

    def _pass_on(self, writer: UploadWriter) -> None:
        accept = writer.accept if isinstance(writer, BufferedUploadWriter) else writer.write_chunk
        held, self._held = self._held, []
        for chunk in held:
            if self._gate.is_ending:
                break
            accept(chunk)
            self.written += len(chunk)
            if self._hash is not None:
                self._hash.update(chunk)
        self._record(writer)

    def _record(self, writer: UploadWriter) -> None:
        """The seeds' "cumulative byte count", for a resume."""
        durable = writer.durable(self.written) if isinstance(writer, ResumableUploadWriter) else self.written
        changed, self.durable = durable != self.durable, durable
        if changed and isinstance(writer, ResumableUploadWriter):
            self._hold.record_offset(durable)

    def _keep(self, writer: ResumableUploadWriter) -> None:
        self._hold.record_writer({"type": writer.content_type, "state": writer.resume_state})

    # The end
    def _failed(self, failure: BaseException) -> UploadError:
        self._is_kept = _passes(failure) and self._hold.is_held and goes_on_elsewhere(self._writer)
        self._gate.end(self._suspend if self._is_kept else partial(self._abort, failure))
        if isinstance(failure, UploadError):
            return failure
        logger.error("writer failed", exc_info=failure)
        return UploadError("storage_unavailable")

    def _not_reopened(self, failure: BaseException) -> UploadError:
        """A storage that doesn't answer just now is no reason to give up what it has: the client asks again."""
        if _passes(failure) or failure == UploadError("storage_unavailable"):
            self._gate.end(self._suspend)
            return UploadError("locked", UploadError("storage_unavailable").sentence)
        return self._failed(failure)

    def _closed(self) -> None:
        """What was requested during `close` comes too late for the writer."""
        self._is_closed = True
        self.durable = self.written
        match self._gate.take_back():
            case None:
                pass
            case parked if parked == self._suspend:
                self._gate.end(parked)
            case _aborted:
                self._discard_result()

    def _discard_result(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            type(writer).discard(self._result)
        except Exception:
            logger.exception("writer discard failed")

    def _abort(self, cause: BaseException) -> None:
        if self._writer is None:
            return
        try:
            self._writer.abort(cause)
        except BaseException:
            logger.exception("writer abort failed")

    def _suspend(self) -> None:
        """Leaves what is stored to be resumed; a writer that can't be replaced waits here for that."""
        writer = self._writer
        if self._is_closed or isinstance(writer, ResumableUploadWriter) and not goes_on_elsewhere(writer):
            here(Waiting).keep(self._entry.upload.id, self, self._hold.ttl if self._hold.is_held else 0)
        elif isinstance(writer, ResumableUploadWriter):
            try:
                writer.suspend()
            except BaseException:
                logger.exception("writer suspend failed")
        else:
            self._abort(session_closed())


def _passes(failure: BaseException) -> bool:
    """Whether the storage may only be away: networks and disks fail with an `OSError`."""
    return failure.passes if isinstance(failure, UploadError) else isinstance(failure, OSError)


def _type_of(entry: Entry) -> str:
    """What the bytes say; else what the extension says, unless a browser would run it."""
    if entry.file_type is not None or entry.extension in ACTIVE_EXTENSIONS:
        return entry.content_type
    return mimetypes.types_map.get(entry.extension, entry.content_type)
