"""Drives one upload's writer by its contract: in order, one call at a time, and not once more when it is over.

Whoever ends an upload never waits for a call that is under way: the thread that is in it does what is left to do.
"""

from __future__ import annotations

import hashlib
import logging
import mimetypes
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from uploads.core.sniffing import ACTIVE_EXTENSIONS
from uploads.errors import UploadError
from uploads.writers import waiting as kept
from uploads.writers.buffered import BufferedUploadWriter
from uploads.writers.call_gate import Turns
from uploads.writers.causes import session_closed
from uploads.writers.contract import UploadWriter
from uploads.writers.resumable import ResumableUploadWriter, goes_on_elsewhere

if TYPE_CHECKING:
    from uploads.entries.entry import UploadEntry

logger = logging.getLogger("uploads")

_live: WeakValueDictionary[str, Driver] = WeakValueDictionary()
_live_lock = threading.Lock()


class Driver:
    """What stands between an entry and its writer. Its methods block as long as the writer does, or say otherwise."""

    def __init__(self, entry: UploadEntry) -> None:
        self._entry = entry
        self._writer: UploadWriter | None = None
        self._held: list[bytes] = []  # the first bytes, until they have shown what the file is
        self._hash: Any = hashlib.sha256()  # None once it can't be told: after a resume
        self._turns = Turns()
        self._keeper = entry.keeper
        self._is_closed = False
        self._result: Any = None
        self.written = 0  # bytes handed to the writer, by it or by those before it
        self.durable = 0  # those of them that whoever resumes would find

    @property
    def sha256(self) -> str:
        """In hexadecimal; empty while it can't be told."""
        if self._hash is not None:
            return str(self._hash.hexdigest())
        return self._writer.sha256 if isinstance(self._writer, ResumableUploadWriter) else ""

    @property
    def tail(self) -> tuple[str, int]:
        """See `ResumableUploadWriter.tail`."""
        if isinstance(self._writer, ResumableUploadWriter) and goes_on_elsewhere(self._writer):
            return self._writer.tail(self.written)
        return "", 0

    # In the order of an upload's life
    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Passes chunks on; the first of them once they have shown what the file is. Raises `UploadError`."""
        if self._is_closed or not self._turns.enter():
            return
        try:
            self._held += map(bytes, chunks)
            if self._entry.content_type:
                self._pass_on(self._writer or self._open())
        except BaseException as failure:
            raise self._failed(failure) from None
        finally:
            self._turns.leave()

    def close(self) -> Any:
        """The writer's result. Raises `UploadError`."""
        if self._is_closed:
            return self._result  # of an upload whose page came back after it was complete
        writer = self._writer
        if writer is None or not self._turns.enter():
            raise UploadError("cancelled")
        try:
            if isinstance(writer, BufferedUploadWriter):
                writer.flush(final=True)
            self._result = writer.close()
        except BaseException as failure:
            raise self._failed(failure) from None
        else:
            self._closed()
        finally:
            self._turns.leave()
        return self._result

    def discard(self, cause: BaseException) -> None:
        """Nobody wants it any more: aborts the writer, or has what it stored removed. Waits for no other thread.

        What another process has gone on with is left alone.
        """
        keeper = self._entry.keeper
        if keeper is not None and not keeper.is_ours():
            self.park()
        elif self._is_closed:
            self._discard_result()
        else:
            self._turns.end(partial(self._abort, cause))

    def park(self) -> None:
        """The socket is gone, and somebody may go on elsewhere. Waits for no other thread."""
        self._turns.end(self._suspend)

    def drop(self, cause: BaseException) -> None:
        """Nobody has come back for it, here. Whether somebody has consumed it elsewhere can't be told any more."""
        if not self._is_closed:
            self._abort(cause)

    @property
    def is_heavy(self) -> bool:
        """Whether keeping it takes memory."""
        return not self._is_closed

    # Going on
    def hand_over(self) -> bool:
        """Lets go of the upload, now or as soon as the running call returns. Whether that was now."""
        self._entry.keeper = None
        self.park()
        return self._turns.is_over

    def succeed(self, old: Driver) -> int:
        """Goes on with the very writer of a driver that is over, at the offset returned."""
        self._writer, old._writer = old._writer, None
        self._is_closed, old._is_closed = old._is_closed, False
        self._hash, self._result = old._hash, old._result
        self.written = self.durable = old.written
        if isinstance(self._writer, ResumableUploadWriter):
            self._writer.keep_with(partial(self._keep, self._writer))
        with _live_lock:
            _live[self._entry.upload.id] = self
        return self.written

    def reopen(self, content_type: str, state: dict[str, Any]) -> int:
        """A new writer goes on with what another has written; at which offset. Raises `UploadError`."""
        entry = self._entry
        if not self._turns.enter():
            raise UploadError("unknown_ref")
        try:
            writer = self._make(content_type)
            if not isinstance(writer, ResumableUploadWriter):
                return 0
            writer.resume_state = state
            writer.confirmed = entry.keeper.offset if entry.keeper is not None else 0
            self._writer = writer
            writer.open()
            offset = writer.measure()
            if not 0 <= offset <= entry.size:
                raise UploadError("unknown_ref")
        except BaseException as failure:
            raise self._not_reopened(failure) from None
        finally:
            self._turns.leave()
        self.written = self.durable = offset
        self._hash = None if offset else self._hash
        return offset

    # The calls
    def _make(self, content_type: str) -> UploadWriter:
        entry = self._entry
        assert entry.slot.writer is not None
        self._keeper = entry.keeper
        with _live_lock:
            _live[entry.upload.id] = self
        writer: UploadWriter = entry.slot.writer(
            upload_id=entry.upload.id, filename=entry.name, content_type=content_type, expected_size=entry.size
        )
        if isinstance(writer, ResumableUploadWriter):
            writer.keep_with(partial(self._keep, writer))
        return writer

    def _open(self) -> UploadWriter:
        keeper = self._entry.keeper
        if keeper is not None and not keeper.is_ours():  # somebody has resumed it before it had a writer
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
            if self._turns.is_ending:
                break
            accept(chunk)
            self.written += len(chunk)
            if self._hash is not None:
                self._hash.update(chunk)
        self._record(writer)

    def _record(self, writer: UploadWriter) -> None:
        """The seeds' "cumulative byte count", for whoever resumes."""
        durable = writer.durable(self.written) if isinstance(writer, ResumableUploadWriter) else self.written
        changed, self.durable = durable != self.durable, durable
        if self._keeper is not None and changed and isinstance(writer, ResumableUploadWriter):
            self._keeper.record_offset(durable)

    def _keep(self, writer: ResumableUploadWriter) -> None:
        if self._keeper is not None:
            self._keeper.record_writer({"type": writer.content_type, "state": writer.resume_state})

    # The end
    def _failed(self, failure: BaseException) -> UploadError:
        self._turns.end(partial(self._abort, failure))
        if isinstance(failure, UploadError):
            return failure
        logger.error("a writer failed", exc_info=failure)
        return UploadError("storage_unavailable")

    def _not_reopened(self, failure: BaseException) -> UploadError:
        """A storage that doesn't answer just now is no reason to give up what it has: the client asks again."""
        if failure == UploadError("storage_unavailable"):
            self._turns.end(self._suspend)
            return UploadError("locked", UploadError("storage_unavailable").message)
        return self._failed(failure)

    def _closed(self) -> None:
        """What was asked for while it was being closed comes too late for the writer."""
        self._is_closed = True
        self.durable = self.written
        match self._turns.take_back():
            case None:
                pass
            case parked if parked == self._suspend:
                self._turns.end(parked)
            case _aborted:
                self._discard_result()

    def _discard_result(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            type(writer).discard(self._result)
        except Exception:
            logger.exception("a writer could not discard what it had stored")

    def _abort(self, cause: BaseException) -> None:
        if self._writer is None:
            return
        try:
            self._writer.abort(cause)
        except BaseException:
            logger.exception("a writer's abort failed")

    def _suspend(self) -> None:
        """Leaves what is stored to whoever resumes; a writer that nobody could replace waits for him here."""
        writer = self._writer
        if self._is_closed or isinstance(writer, ResumableUploadWriter) and not goes_on_elsewhere(writer):
            kept.keep(self._entry.upload.id, self, self._keeper.ttl if self._keeper is not None else 0)
        elif isinstance(writer, ResumableUploadWriter):
            try:
                writer.suspend()
            except BaseException:
                logger.exception("a writer could not be suspended")
        else:
            self._abort(session_closed())


def _type_of(entry: UploadEntry) -> str:
    """What the bytes say; else what the extension says, unless a browser would run it."""
    if entry.file_type is not None or entry.extension in ACTIVE_EXTENSIONS:
        return entry.content_type
    return mimetypes.types_map.get(entry.extension, entry.content_type)


def resume(entry: UploadEntry) -> tuple[Driver, int]:
    """The driver that goes on with an upload which began elsewhere, and where.

    Raises `UploadError`: `locked` while its last call is still under way, anything else if it must start over.
    """
    upload_id = entry.upload.id
    with _live_lock:
        old = _live.get(upload_id)
    if old is not None and not old.hand_over():
        raise UploadError("locked")
    driver, waiting = Driver(entry), kept.take(upload_id)
    if isinstance(waiting, Driver):
        return driver, driver.succeed(waiting)
    left = entry.keeper.record.writer if entry.keeper is not None else {}
    content_type, state = left.get("type"), left.get("state")
    if not isinstance(content_type, str) or not isinstance(state, dict):
        return driver, 0  # nothing was written
    offset = driver.reopen(content_type, state)
    if offset:
        entry.content_type = content_type
    return driver, offset
