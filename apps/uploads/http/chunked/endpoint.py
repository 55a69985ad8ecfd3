"""The chunked endpoint of the seeds: `POST /api/upload-chunk`, a chunk of a file in each request. (Seed: seeds/004.)

Headers and answers are the seed's, and so is what a missing header means. Chunks may come in any order, several at a
time and more than once; the file is assembled once. The client's name for an upload is only a name: together with the
visitor's it gives the upload's id, so that nobody can touch an upload of somebody else's by naming it. Without a
session, address and browser stand for the visitor.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

from django.utils.crypto import salted_hmac

from liveview.process import here
from uploads import intakes, janitor, threads
from uploads.conf import conf
from uploads.core.names import parse_name
from uploads.entries import drive
from uploads.entries.quotas import Ledger
from uploads.errors import UploadError
from uploads.http.chunked.part_file import PartFile
from uploads.http.shared import records, transfers
from uploads.http.shared.asgi import ClientGone, Headers, Receive, Scope, Send, answer, answer_json, pieces
from uploads.http.shared.headers import Headers as RequestHeaders
from uploads.http.shared.pumping import Thread
from uploads.http.shared.spooling import spooled
from uploads.http.shared.visitors import Visitor, expect_allowed, origin_of, visitor_of
from uploads.http_errors import failed, refusal, status_of
from uploads.intakes import Intake
from uploads.staging import choice
from uploads.stores import Record
from uploads.stores.lease import renewed

T = TypeVar("T")

MAX_CHUNKS: Final = 10_000
METHODS: Final = "OPTIONS, POST"
WAIT_FOR_OTHERS: Final = 60.0  # seconds that another request may take to assemble the file
LOOK_EVERY: Final = 0.05
PATIENCE: Final = 20.0  # seconds that a chunk waits for a store or bucket that is away; hosts end a request after 30
TRY_EVERY: Final = 1.0

_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_ESCAPED: Final = re.compile(r"(?:[ -$&-~]|%[0-9A-Fa-f]{2})+")  # ASCII in which % begins an escape


@dataclass(frozen=True, slots=True)
class Chunk:
    """What the headers say. Sizes are bytes; all chunks but the last have the same one. `size` may be unknown.

    The last one may be longer, less than two in one: resumable.js sends no small rest by itself.
    """

    upload_id: str
    index: int
    count: int
    name: str
    size: int | None
    length: int

    @property
    def is_last(self) -> bool:
        return self.index == self.count - 1

    @property
    def chunk_size(self) -> int | None:
        """Follows from any single chunk; None for the last one of an unknown size.

        Raises `UploadError("bad_header")` if the numbers don't fit together.
        """
        if self.size is None:
            if not self.length:
                raise refusal("bad_header")
            return None if self.is_last else self.length
        if not self.size and (self.count, self.length) == (1, 0):
            return 0
        if self.count == 1:
            size = self.size
        elif not self.is_last:
            size = self.length
        else:
            size, rest = divmod(self.size - self.length, self.count - 1)
            size = 0 if rest else size
        last = self.size - size * (self.count - 1)
        if not 0 < last < 2 * size or self.length != (last if self.is_last else size):
            raise refusal("bad_header")
        return size


def read(headers: RequestHeaders) -> Chunk:
    """Raises `UploadError`: `missing_header`, `bad_header`, `bad_name`, `length_required`, or `unknown_ref` for an
    impossible id.
    """
    upload_id, count = headers.text("x-upload-id"), headers.number("x-chunk-count")
    if not upload_id or not count:
        raise refusal("missing_header")
    if not _ID.fullmatch(upload_id):
        raise UploadError("unknown_ref")
    length, size = headers.number("content-length"), headers.number("x-file-size")
    if length is None:
        raise refusal("length_required")
    headers.refuse_coding()
    chunk = Chunk(
        upload_id=upload_id,
        index=headers.number("x-chunk-index") or 0,
        count=count,
        name=read_name(headers.get("x-file-name")),
        size=length if size is None and count == 1 else size,
        length=length,
    )
    if chunk.count > MAX_CHUNKS or chunk.index >= chunk.count:
        raise refusal("bad_header")
    return chunk


def read_name(given: str | None) -> str:
    """A name as `encodeURIComponent` makes it, as headers hold no other characters; if it isn't that, as it is.

    Raises `UploadError("bad_name")` for one with control characters.
    """
    if given is None:
        return "unknown"
    if not given.isprintable():
        raise UploadError("bad_name")
    if _ESCAPED.fullmatch(given):
        with contextlib.suppress(UnicodeDecodeError):
            return unquote_to_bytes(given).decode()
    try:
        return given.encode("latin-1").decode()
    except UnicodeDecodeError:
        return given


class Coming:
    """The chunks that this process receives. One that comes twice at the same time counts twice for its sender."""

    def __init__(self) -> None:
        self._under_way: Counter[tuple[str, int]] = Counter()

    @contextlib.asynccontextmanager
    async def enter(self, upload_id: str, chunk: Chunk, share: str) -> AsyncIterator[None]:
        """Raises `UploadError`: `quota`, `busy`."""
        key, copy = (upload_id, chunk.index), f"copy:{secrets.token_hex(8)}"
        self._under_way[key] += 1
        try:
            if self._under_way[key] == 1:
                yield
            else:
                async with _counted(share, copy, chunk.length):
                    yield
        finally:
            self._under_way[key] -= 1
            self._under_way += Counter()  # forgets what is over


@contextlib.asynccontextmanager
async def _counted(share: str, copy: str, length: int) -> AsyncIterator[None]:
    ledger = here(Ledger)
    reserve = partial(ledger.reserve, share, copy, length)
    own = await threads.handed_over(threads.check, reserve, partial(ledger.release, share, copy))
    try:
        yield
    finally:
        ledger.release(share, copy, own)


class Chunks:
    """The ASGI application, for the intake of `UPLOADS["INTAKE"]`."""

    def __init__(self, path: str = "/api/upload-chunk") -> None:
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = origin_of(scope)
        try:
            match scope["method"]:
                case "POST":
                    expect_allowed(origin)
                    content = await self._take(scope, receive)
                    await answer_json(send, 200, {"success": True, **content}, origin.cors())
                case "OPTIONS":
                    await answer(send, 204, [("Allow", METHODS), *origin.preflight(METHODS)])
                case _:
                    await answer(send, 405, [("Allow", METHODS), *origin.cors()])
        except ClientGone:
            return
        except UploadError as refused:
            await _refuse(send, refused, origin.cors())

    async def _take(self, scope: Scope, receive: Receive) -> dict[str, Any]:
        chunk = read(RequestHeaders(scope))
        chunk_size = chunk.chunk_size
        intake = intakes.get(conf().intake)
        visitor = await threads.check(partial(visitor_of, scope))
        record = await _patiently(lambda: self._begun(partial(self._begin, intake, visitor, chunk, chunk_size)))
        body = pieces(receive)
        if records.is_done(record):
            await _drop(body)
            return _finished(record)
        if records.STAGE in record.http:  # all of it has come, and what it was in may be gone
            await _drop(body)
            return _finished(await self._assemble(record, visitor))
        file = _file_of(record)
        if await _patiently(lambda: _thread(file)(partial(file.has, chunk.index))):
            await _drop(body)
            received = await self._place(record, chunk, chunk_size, io.BytesIO())
        else:
            share = visitor.uploader.share
            async with here(Coming).enter(record.id, chunk, share), spooled(body, chunk.length, share) as spool:
                await threads.check(visitor.uploader.expect_session)
                came = partial(here(Ledger).written_to, share, record.id, chunk.length)
                received = await self._place(record, chunk, chunk_size, spool, came)
        if received < chunk.count:
            return {"chunksReceived": received}
        return _finished(await self._assemble(record, visitor))

    async def _begun(self, begin: Callable[[], Record | None]) -> Record:
        """Waits here and not in a thread: threads are few, and everybody's uploads need them."""
        end = time.monotonic() + WAIT_FOR_OTHERS
        while (record := await threads.check(begin)) is None:
            if time.monotonic() > end:
                raise UploadError("locked")
            await asyncio.sleep(LOOK_EVERY)
        return record

    async def _place(
        self,
        record: Record,
        chunk: Chunk,
        chunk_size: int | None,
        body: IO[bytes],
        came: Callable[[], None] = lambda: None,
    ) -> int:
        """How many chunks are here now: all of them if others have assembled the file while this one came again."""
        file = _file_of(record)

        def place() -> int:
            body.seek(0)
            if chunk_size is None:
                there = file.place_last(chunk.index, chunk.length, record.size, body)
            else:
                there = file.place(chunk.index, chunk_size, body)
            came()
            return there

        try:
            there: int = await _patiently(lambda: _thread(file)(place))
            return there
        except UploadError as refused:
            if refused.code != "unknown_ref":
                raise
            return chunk.count

    def _begin(self, intake: Intake, visitor: Visitor, chunk: Chunk, chunk_size: int | None) -> Record | None:
        """The upload's record, made by the first chunk; None while another request makes it, for a moment.

        Raises `UploadError` if another chunk said otherwise.
        """
        whose = visitor.owner or visitor.client
        upload_id = salted_hmac("uploads.chunks", f"{whose}\n{chunk.upload_id}", algorithm="sha256").hexdigest()
        store = records.store()
        known = store.load(upload_id[:32])
        if chunk_size is None and known is None:
            raise refusal("missing_header")  # where the last chunk belongs, only a size or another chunk could say
        more = {records.CHUNKS: str(chunk.count), records.DEFERRED: "1" if chunk.size is None else ""}
        if choice.is_remote():
            place = {records.PLACE: conf().staging, records.CHUNK_SIZE: str(chunk_size or 0)}
            more |= {**place, records.BEGAN: str(int(time.time()))}
        size = _most(intake, chunk, chunk_size, known)
        made = records.make(intake, visitor, self.path, chunk.name, size, upload_id=upload_id[:32], **more)
        record = known or _create(made, visitor, chunk.count, chunk_size or 0)
        if record is None:
            return None
        if (record.name, record.size, record.http.get(records.CHUNKS)) != (made.name, made.size, str(chunk.count)):
            raise refusal("changed")
        if record is not made:
            store.touch(record.id, records.ttl())
        return record

    async def _assemble(self, record: Record, visitor: Visitor) -> Record:
        """Every chunk is here: the first request to find so finishes the file, the others wait for it."""
        began = time.monotonic()
        while True:
            try:
                async with transfers.hold(record, visitor) as transfer:
                    if not records.is_done(transfer.record):
                        await self._put_together(_file_of(record), transfer)
                    return transfer.record
            except UploadError as refused:
                is_anothers = refused.code in ("locked", "superseded")
                patience = WAIT_FOR_OTHERS if is_anothers else PATIENCE if _is_away(refused) else 0
                if time.monotonic() > began + patience:
                    raise
            await asyncio.sleep(LOOK_EVERY if is_anothers else TRY_EVERY)

    async def _put_together(self, file: choice.Chunks, transfer: transfers.Transfer) -> None:
        size = await _thread(file)(file.seal)
        if records.DEFERRED in transfer.record.http:
            await transfer.thread(partial(transfer.declare, size))
        try:
            if not transfer.is_complete:
                async with renewed(transfer.hold.is_ours, conf().silence):  # however slow the chunks are
                    await transfer.thread(lambda: transfer.gather(file.pieces(transfer.offset)))
            await transfer.finish()
        finally:
            if transfer.entry.is_over and not file.is_on_disk and await transfer.thread(transfer.discard):
                await _thread(file)(file.remove)


async def _patiently(step: Callable[[], Awaitable[T]]) -> T:
    """Again while what it needs is away: the client, who would be told so, would send the whole chunk again."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return await step()
        except UploadError as failure:
            if not _is_away(failure) or time.monotonic() > end:
                raise
        await asyncio.sleep(TRY_EVERY)


def _is_away(failure: UploadError) -> bool:
    return failure.code == "storage_unavailable" and failure.passes


def _file_of(record: Record) -> choice.Chunks:
    if records.PLACE not in record.http:
        return PartFile(record.id)
    numbers = (int(record.http[key]) for key in (records.CHUNKS, records.CHUNK_SIZE, records.BEGAN))
    return choice.chunks_at(record.http[records.PLACE])(record.id, *numbers)


def _thread(file: choice.Chunks) -> Thread:
    return threads.write if file.is_on_disk else threads.remote


def _most(intake: Intake, chunk: Chunk, chunk_size: int | None, known: Record | None) -> int:
    """The size of the file, or as much as it may come to."""
    if chunk.size is not None:
        return chunk.size
    if known is not None and (chunk_size is None or records.DEFERRED not in known.http):
        return known.size
    assert chunk_size is not None
    least, most = chunk_size * (chunk.count - 1) + 1, chunk_size * (chunk.count + 1) - 1
    return max(least, min(most, intake.max_size))


def _create(made: Record, visitor: Visitor, count: int, chunk_size: int) -> Record | None:
    """Several chunks may be the first at the same time: one of them makes the file, and then the record."""
    store, file = records.store(), PartFile(made.id)
    if records.PLACE in made.http:
        return _create_elsewhere(made, visitor)
    if not file.is_free(lambda: store.load(made.id) is not None):
        return None
    visitor.expect_pace()
    entry = transfers.entry_of(made)
    drive.open(entry, visitor.uploader)
    with entry.parked_reservation(awaited=made.size):  # until the file is assembled
        janitor.come()
        if not file.create(made.size, chunk_size, count):
            return None
        try:
            if (record := store.load(made.id)) is not None:
                if records.STAGE in record.http:  # it was finished since we looked
                    file.remove()
                return record
            store.save(made, records.ttl())
        except BaseException:
            file.remove()
            raise
    return made


def _create_elsewhere(made: Record, visitor: Visitor) -> Record:
    """Any machine may be the first, and several at a time: all make the same record, and the one that stays counts."""
    visitor.expect_pace()
    entry = transfers.entry_of(made)
    drive.open(entry, visitor.uploader)
    with entry.parked_reservation():
        janitor.come()
        if records.store().load(made.id) is None:
            records.store().save(made, records.ttl())
        return records.store().load(made.id) or made


async def _drop(body: AsyncIterator[bytes]) -> None:
    """What is here already needs no place anywhere."""
    async for _piece in body:
        pass


def _finished(record: Record) -> dict[str, Any]:
    name = parse_name(record.name).label  # as in every other way in
    return {"fileGuid": records.result(record), "fileName": name, "fileSize": record.size}


async def _refuse(send: Send, refused: UploadError, cors: Headers) -> None:
    await answer_json(send, status_of(refused), failed(refused), cors)
