"""One request's hold on an upload: while it lasts, nobody else writes.

A lease in the state store keeps other processes away. It is short, `UPLOADS["SILENCE"]`, and bytes that arrive renew
it: a connection that has gone silent loses it within seconds, and what it still delivers then is not written. Requests
of this process needn't wait for that, they stop the silent one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Final

from liveview import threads
from liveview.socket import django_session
from liveview.threads import with_connections
from uploads import threads as pools
from uploads.conf import conf
from uploads.core.machine import Step
from uploads.core.names import parse_name
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.http.shared import records
from uploads.http.shared.finishing import finish
from uploads.http.shared.pumping import Pump
from uploads.http.shared.visitors import Visitor
from uploads.http_errors import refusal
from uploads.stores import Lease, Record

logger = logging.getLogger("uploads")

TAKE_OVER_WITHIN: Final = 5.0  # seconds that a request may wait for a silent one of another process
LOOK_EVERY: Final = 0.1

_under_way: dict[str, Transfer] = {}  # by upload id; of this process, and touched on its event loop only
_finishing: set[asyncio.Future[None]] = set()  # so that the loop doesn't lose them


class Transfer:
    """What one request may do with one upload. Bytes are staged, so that whoever comes next finds them."""

    def __init__(self, record: Record, lease: Lease, visitor: Visitor) -> None:
        self.record = record
        self.lease = lease
        self.entry = entry_of(record)
        self.entry.visitor = visitor.label
        self._visitor = visitor
        self._standing = visitor.standing
        self._renewed = time.monotonic()
        self._lock = threading.Lock()
        self._is_over = False  # no more is written
        self._is_let_go = False
        self.is_finishing = False

    @property
    def offset(self) -> int:
        """The bytes that are staged."""
        return self.entry.upload.durable

    @property
    def is_complete(self) -> bool:
        return self.entry.upload.is_complete and records.DEFERRED not in self.record.http

    async def receive(self, body: AsyncIterator[bytes]) -> None:
        """Stages a body as it arrives; what has arrived stays when it is cut off.

        Raises `UploadError`: `too_large` for a piece that goes past the end, which is not kept; `type_mismatch`, after
        which nothing is left; `superseded` when another request goes on with the upload.
        """
        pump = Pump(self.write)
        try:
            async for piece in body:
                self.admit(piece)
                await pump.feed(piece)
        except UploadError as refused:
            if refused.code == "type_mismatch":
                pump.forget()
                await pump.drain()
                self.entry.fail(refused)
                await pools.check(self.discard)
            raise
        finally:
            await pump.drain()

    def admit(self, piece: bytes) -> None:
        received = self.entry.upload.received
        if received + len(piece) > self.entry.size:
            raise UploadError("too_large")
        self.entry.receive(received, len(piece))
        self.entry.look(piece)

    def write(self, batch: list[bytes]) -> None:
        """Runs in a thread, one batch at a time."""
        with self._lock:
            self._expect_right()
            self.entry.write(batch)
            self.entry.written(sum(map(len, batch)))

    def _expect_right(self) -> None:
        if self._is_over:
            raise UploadError("superseded")
        if time.monotonic() - self._renewed > conf().silence / 3:
            with_connections(self._renew)

    def _renew(self) -> None:
        began = time.monotonic()
        if not records.store().renew(self.lease, conf().silence):
            self._is_over = True
            raise UploadError("superseded")
        self._expect_session()
        self._renewed = began

    def _expect_session(self) -> None:
        if self._standing is not None and not django_session.still_holds(self._standing):
            raise refusal("session_ended")

    def keep(self, record: Record) -> None:
        """Changes the record. Blocks."""
        records.store().replace(record)
        self.record = record

    def reserve(self) -> None:
        """Counts it as under way. Raises `UploadError`: `quota`, `busy`."""
        self._visitor.reserve(self.entry)

    def measure(self) -> None:
        """Opens what is staged, to go on at its end. Blocks, and for long where nothing is known of a large file.

        Raises `UploadError`.
        """
        self.entry.reopen()

    def count(self) -> int:
        """The bytes that are staged, for who only wants to know. Blocks."""
        try:
            return self.entry.path.stat().st_size
        except FileNotFoundError:
            return 0

    def declare(self, size: int) -> None:
        """The size of an upload that began without one. Blocks; raises `UploadError`."""
        with self._lock:
            self.keep(replace(records.changed(self.record, **{records.DEFERRED: ""}), size=size))
            self.entry.park()
            self.entry = entry_of(self.record)
            self.measure()
            self.reserve()

    async def finish(self) -> None:
        """All bytes are there: checks them and hands them over, whatever becomes of the request meanwhile.

        Raises `UploadError`.
        """
        finishing = asyncio.ensure_future(self._finish_holding())
        _finishing.add(finishing)
        finishing.add_done_callback(_finishing.discard)
        await asyncio.shield(finishing)

    async def _finish_holding(self) -> None:
        self.is_finishing = True
        await threads.run(self._is_ours)  # for longer: checks take their time, and may have to wait for a thread
        try:
            async with kept(self.lease, conf().lease):
                await pools.judge(self._finish, self._visitor.bucket)
        finally:
            await pools.check(partial(records.store().release, self.lease))

    def _finish(self) -> None:
        with self._lock:
            if self._is_over or not self._is_ours():
                raise UploadError("superseded")
            self._expect_session()
            self._is_over = True
            self.record = finish(self.record, self.entry, self._is_ours)

    def _is_ours(self) -> bool:
        """Whether nobody has taken over while we were at work."""
        return records.store().renew(self.lease, conf().lease)

    def discard(self) -> None:
        """Nothing of the upload is left. Blocks."""
        with self._lock:
            self._is_over = True
            self.entry.advance(Step.CANCEL, UploadError("cancelled"))
            self.entry.discard()
            records.store().forget(self.record.id)

    def let_go(self) -> None:
        """The bytes stay for whoever comes next. Blocks, for as long as a write is under way."""
        with self._lock:
            had_right, self._is_over = not self._is_over, True
            if not self._is_let_go:
                self._is_let_go = True
                self.entry.park()
            if had_right:
                store = records.store()
                store.touch(self.record.id, records.ttl())
                store.release(self.lease)


def entry_of(record: Record) -> UploadEntry:
    slot = records.intake_of(record).slot
    entry = UploadEntry(record.id, record.page, slot, parse_name(record.name), record.size, record.client_type)
    if records.CHUNKS in record.http:
        entry.sibling("map")  # goes with the file
    return entry


@contextlib.asynccontextmanager
async def hold(
    record: Record, visitor: Visitor, *, take_over: bool = False, measured: bool = True
) -> AsyncIterator[Transfer]:
    """The hold on an upload. Raises `UploadError("locked")` while somebody else has it.

    take_over: a connection that has it goes away: at once where it is this process's own, else when it has been silent
        for a few seconds.
    measured: open it, so that bytes can be written.
    """
    lease = await _acquire(record.id, take_over=take_over)
    async with kept(lease, conf().silence):  # opening a large file takes its time
        transfer = await pools.check(partial(_open, lease, visitor, measured=measured))
    _under_way[record.id] = transfer
    try:
        yield transfer
    finally:
        if _under_way.get(record.id) is transfer:
            del _under_way[record.id]
        await asyncio.shield(pools.check(transfer.let_go))


async def _acquire(upload_id: str, *, take_over: bool) -> Lease:
    holder, deadline = secrets.token_hex(8), time.monotonic() + TAKE_OVER_WITHIN * take_over
    if take_over:
        await _stop(upload_id)
    acquire = partial(records.store().acquire, upload_id, holder, conf().silence)
    while (lease := await pools.check(acquire)) is None:
        if time.monotonic() >= deadline:
            raise UploadError("locked")
        await asyncio.sleep(LOOK_EVERY)  # another process doesn't tell when it is done
        if take_over:
            await _stop(upload_id)
    await _stop(upload_id)  # the connection whose lease has run out
    return lease


async def _stop(upload_id: str) -> None:
    silent = _under_way.get(upload_id)
    if silent is not None and not silent.is_finishing:
        await pools.check(silent.let_go)


def _open(lease: Lease, visitor: Visitor, *, measured: bool) -> Transfer:
    """Looks at the record again: it may have changed while the hold was somebody else's."""
    record = records.store().load(lease.upload_id)
    if record is None:
        raise UploadError("unknown_ref")
    transfer = Transfer(record, lease, visitor)
    if measured and not records.is_done(record):
        try:
            transfer.measure()
        except UploadError as refused:
            transfer.let_go() if refused.code == "locked" else transfer.discard()
            raise
        try:
            transfer.reserve()
        except UploadError:
            transfer.let_go()
            raise
    return transfer


@contextlib.asynccontextmanager
async def kept(lease: Lease, seconds: float) -> AsyncIterator[None]:
    """Renews a lease while nothing arrives because the server is at work. Afterwards no renewal is under way."""
    over = asyncio.Event()
    keeping = asyncio.ensure_future(_keep(lease, seconds, over))
    try:
        yield
    finally:
        over.set()
        await asyncio.shield(keeping)


async def _keep(lease: Lease, seconds: float, over: asyncio.Event) -> None:
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), seconds / 3)
            return
        try:
            await threads.run(partial(records.store().renew, lease, seconds))
        except Exception:  # noqa: BLE001  (whatever the store's driver raises)
            logger.warning("could not renew a lease", exc_info=True)
