"""One request's hold on an upload: while it lasts, nobody else writes.

A lease in the state store keeps other processes away. It is short, `UPLOADS["SILENCE"]`, and bytes that arrive renew
it: a silent connection loses it within seconds, and what it still delivers is not written. Requests of this process
needn't wait for that: they stop the silent one.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from liveview.process import here
from uploads import threads
from uploads.conf import conf
from uploads.entries import drive, entry
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.http.shared import records
from uploads.http.shared.finishing import finish, is_taken, record_done
from uploads.http.shared.pumping import Pump, Thread
from uploads.http.shared.visitors import Visitor
from uploads.stores import Lease, Record
from uploads.stores.hold import StoredHold
from uploads.stores.lease import renewed

TAKE_OVER_WITHIN: Final = 5.0  # seconds that a request may wait for a silent one of another process
LOOK_EVERY: Final = 0.1


class UnderWay:
    """The transfers of this process; touched on its event loop only."""

    def __init__(self) -> None:
        self.transfers: dict[str, Transfer] = {}  # by upload id


class Transfer:
    """What one request may do with one upload. Bytes are staged, so that the next request finds them."""

    def __init__(self, hold: StoredHold, visitor: Visitor) -> None:
        self.hold = hold
        self.entry = entry_of(hold.record, hold)
        self.entry.uploader = visitor.uploader
        self._visitor = visitor
        self._lock = threading.Lock()
        self._is_open = False  # its bytes
        self._is_over = False  # no more is written
        self.is_finishing = False

    @property
    def record(self) -> Record:
        return self.hold.record

    @property
    def offset(self) -> int:
        """The number of staged bytes."""
        return self.entry.upload.written

    @property
    def thread(self) -> Thread:
        """Where to work on it, except for its validators."""
        return threads.checking(is_remote=self.entry.sink.is_remote)

    @property
    def is_complete(self) -> bool:
        return self.entry.upload.is_complete and records.DEFERRED not in self.record.http

    def open(self) -> None:
        """Opens what is staged, to continue at its end. Blocks, for long if a large file must be read again.

        Raises `UploadError`.
        """
        drive.resume(self.entry, self._visitor.uploader)
        self._is_open = True

    def count(self) -> int:
        """The number of staged bytes, for a request that won't write. Blocks; raises `UploadError`."""
        return self.entry.sink.measure() or 0

    async def receive(self, body: AsyncIterator[bytes]) -> None:
        """Stages a body as it arrives; what has arrived stays when it is cut off.

        Raises `UploadError`: `session_ended`, or whatever ended the upload, after which nothing of it is left.
        """
        pump = Pump(self._write, threads.remote if self.entry.sink.is_remote else threads.write)
        try:
            try:
                async for piece in body:
                    await self._feed(pump, piece)
            finally:
                await pump.drain()
        finally:
            if self.entry.is_over:
                await self.thread(self.discard)

    async def _feed(self, pump: Pump, piece: bytes) -> None:
        verdict = drive.feed(self.entry, piece)
        if isinstance(verdict, drive.Write):
            await pump.feed(piece)
            return
        if self.entry.is_over:
            pump.forget()
        raise verdict.error if isinstance(verdict, drive.Refused) else UploadError("superseded")

    def _write(self, batch: list[bytes]) -> None:
        """Runs in a thread, one batch at a time."""
        with self._lock:
            if self._is_over:
                raise UploadError("superseded")
            drive.commit(self.entry, batch)

    def declare(self, size: int) -> None:
        """The size of an upload that began without one. Blocks; raises `UploadError`."""
        with self._lock:
            self.hold.update(replace(records.changed(self.record, **{records.DEFERRED: ""}), size=size))
            self.entry.sink.park()
            self.entry = entry_of(self.record, self.hold)
            self.open()

    def gather(self, pieces: Iterator[bytes]) -> None:
        """Writes what follows, from wherever it waited. Blocks; raises `UploadError`."""
        with self._lock:
            for piece in pieces:
                match drive.feed(self.entry, piece):
                    case drive.Write():
                        drive.commit(self.entry, [piece])
                    case drive.Refused(error):
                        raise error
                    case _:
                        raise UploadError("superseded")

    async def finish(self) -> None:
        """All bytes are there: settles it and hands it over, whatever becomes of the request meanwhile.

        Raises `UploadError`.
        """
        await threads.to_the_end(self._finish_holding())

    async def _finish_holding(self) -> None:
        self.is_finishing = True
        who = self._visitor.uploader
        patient = conf().lease  # validators take their time, and may have to wait for a thread
        try:
            await threads.check(partial(self.hold.lengthen, patient))
            async with renewed(self.hold.is_ours, patient):
                await threads.judge(self._finish, who.share, who.network)
        finally:
            self.is_finishing = False
            await self.thread(self.let_go)
            await threads.check(self.hold.release)

    def _finish(self) -> None:
        with self._lock:
            if self._is_over or not self.hold.is_ours():
                raise UploadError("superseded")
            self._visitor.uploader.expect_session()
            self._is_over = True
            try:
                finish(self.entry, self.hold)
            except BaseException:
                if not self.entry.is_over:  # `let_go` has nothing to do any more
                    self.entry.park()
                raise

    def discard(self) -> bool:
        """Removes the upload, unless somebody else has resumed it; whether it was ours. Blocks."""
        with self._lock:
            self._is_over = True
            self.entry.cancel()
            is_ours = self.entry.is_consumed or not (self.entry.is_superseded or self.hold.is_anothers())
            self.entry.discard()
            return is_ours

    def let_go(self) -> None:
        """Leaves the bytes for the next request. Blocks while a write is under way.

        An upload that is being finished is finished all the same.
        """
        if self.is_finishing:
            return
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
            if self._is_open:
                self.entry.park()
            else:
                self.hold.give_back()


def entry_of(record: Record, hold: StoredHold | None = None) -> UploadEntry:
    made = entry.entry_of(record, records.intake_of(record).slot, record.page)
    if hold is not None:
        made.hold = hold
    if records.CHUNKS in record.http:
        made.sibling("map")  # goes with the file
    return made


@contextlib.asynccontextmanager
async def hold(
    record: Record, visitor: Visitor, *, take_over: bool = False, measured: bool = True
) -> AsyncIterator[Transfer]:
    """The hold on an upload. Raises `UploadError("locked")` while somebody else has it.

    take_over: a connection that has it is dropped: at once if it is this process's, else once it has been silent for a
        few seconds.
    measured: open it, so that bytes can be written.
    """
    lease = await _acquire(record.id, take_over=take_over)
    silence = conf().silence
    thread = threads.checking(is_remote=entry.is_remote(records.intake_of(record).slot))
    async with renewed(partial(records.store().renew, lease, silence), silence):  # a large file takes its time
        transfer = await threads.handed_over(thread, partial(_open, lease, visitor, measured=measured), Transfer.let_go)
    under_way = here(UnderWay).transfers
    under_way[record.id] = transfer
    try:
        yield transfer
    finally:
        if under_way.get(record.id) is transfer:
            del under_way[record.id]
        await asyncio.shield(thread(transfer.let_go))


async def _acquire(upload_id: str, *, take_over: bool) -> Lease:
    holder, deadline = secrets.token_hex(8), time.monotonic() + TAKE_OVER_WITHIN * take_over
    if take_over:
        await _stop(upload_id)
    acquire = partial(records.store().acquire, upload_id, holder, conf().silence)
    while (lease := await threads.check(acquire)) is None:
        if time.monotonic() >= deadline:
            raise UploadError("locked")
        await asyncio.sleep(LOOK_EVERY)  # another process doesn't tell when it is done
        if take_over:
            await _stop(upload_id)
    await _stop(upload_id)  # the connection whose lease has run out
    return lease


async def _stop(upload_id: str) -> None:
    silent = here(UnderWay).transfers.get(upload_id)
    if silent is not None and not silent.is_finishing:
        await silent.thread(silent.let_go)


def _open(lease: Lease, visitor: Visitor, *, measured: bool) -> Transfer:
    """Looks at the record again: it may have changed while the hold was somebody else's."""
    store, silence = records.store(), conf().silence
    record = store.load(lease.upload_id)
    if record is None:
        raise UploadError("unknown_ref")
    hold = StoredHold(store, lease, records.ttl(), record, seconds=silence, patience=silence / 2)
    transfer = Transfer(hold, visitor)
    if is_taken(record, transfer.entry):
        record_done(hold)
    elif measured and not records.is_done(record):
        transfer.open()
    return transfer
