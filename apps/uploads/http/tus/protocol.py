"""tus 1.0, the protocol that resumable upload clients speak: https://tus.io/protocols/resumable-upload

An ASGI application, not a view: a view starts when the whole body has been read, and by then there is nothing left to
resume. Extensions: creation, creation-with-upload, creation-defer-length, expiration, checksum, termination.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from uploads import intakes, janitor, threads
from uploads.conf import conf
from uploads.entries import drive
from uploads.errors import UploadError
from uploads.http.shared import records, transfers
from uploads.http.shared.asgi import ClientGone, Headers, Receive, Scope, Send, answer, answer_json, pieces
from uploads.http.shared.headers import ALGORITHMS, parse_checksum, parse_metadata
from uploads.http.shared.headers import Headers as RequestHeaders
from uploads.http.shared.spooling import verified
from uploads.http.shared.visitors import Origin, Visitor, expect_allowed, origin_of, visitor_of
from uploads.http.tus.answers import expires, name_of, upload_headers
from uploads.http_errors import described, refusal, status_of
from uploads.intakes import Intake
from uploads.stores import Record

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination"
METHODS: Final = "DELETE, HEAD, OPTIONS, PATCH, POST"
BODY: Final = "application/offset+octet-stream"

_PATH: Final = re.compile(r"(?:(?P<intake>[A-Za-z_]\w*)/)?(?P<upload>[0-9a-f]{32})?")


class Tus:
    """Accepts uploads at `prefix` for the intake of `UPLOADS["TUS_INTAKE"]`, and at `prefix` + name + `/` for any."""

    def __init__(self, prefix: str = "/tus/") -> None:
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _Request(self.prefix, scope, receive, send).serve()


class _Request:
    def __init__(self, prefix: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._headers = RequestHeaders(scope)
        self._origin: Origin = origin_of(scope)
        self._visitor: Visitor
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix(prefix)
        match = _PATH.fullmatch(path)
        self._is_path = match is not None
        self._intake_name = match["intake"] or "" if match else ""
        self._upload_id = match["upload"] or "" if match else ""
        self._page = prefix + (f"{self._intake_name}/" if self._intake_name else "")
        self._method = self._overridden(scope["method"])

    async def serve(self) -> None:
        try:
            await self._dispatch()
        except ClientGone:
            return  # what has arrived stays staged; nobody is there to be told
        except UploadError as refused:
            await self._refuse(refused)

    async def _dispatch(self) -> None:
        match self._method:
            case "OPTIONS":
                await self._options()
                return
            case "POST" | "HEAD" | "PATCH" | "DELETE":
                pass
            case _:
                await self._answer(405, [("Allow", METHODS)])
                return
        if self._headers.get("tus-resumable") != VERSION:
            await self._answer(412, [("Tus-Version", VERSION)])
            return
        expect_allowed(self._origin)
        if not self._is_path:
            raise UploadError("unknown_ref")
        self._visitor = await threads.check(partial(visitor_of, self._scope))
        match self._method, bool(self._upload_id):
            case "POST", False:
                await self._create()
            case "HEAD", True:
                await self._head()
            case "PATCH", True:
                await self._patch()
            case "DELETE", True:
                await self._delete()
            case _:
                await self._answer(405, [("Allow", METHODS)])

    def _overridden(self, method: str) -> str:
        """The method that a POST stands for. No page of another site can say that without a preflight."""
        wanted = self._headers.text("x-http-method-override").upper()
        return wanted if method == "POST" and wanted in ("PATCH", "DELETE") else method

    # The methods
    async def _options(self) -> None:
        offered = [
            ("Tus-Version", VERSION),
            ("Tus-Extension", EXTENSIONS),
            ("Tus-Max-Size", str(self._intake().max_size)),
            ("Tus-Checksum-Algorithm", ",".join(ALGORITHMS)),
        ]
        await self._answer(204, [*offered, *self._origin.preflight(METHODS)])

    async def _create(self) -> None:
        intake = self._intake()
        if self._headers.get("upload-concat") is not None:
            raise refusal("no_concatenation")
        size, is_deferred = self._size(), self._is_deferred()
        if (size is None) != is_deferred:
            raise refusal("bad_header")
        raw = self._headers.text("upload-metadata")
        metadata = parse_metadata(raw)
        client_type = metadata.get("filetype") or metadata.get("type", "")
        make = partial(records.make, intake, self._visitor, self._page, name_of(metadata), client_type=client_type)
        more = {records.METADATA: raw, records.DEFERRED: "1" if is_deferred else ""}
        record = make(size=intake.max_size if size is None else size, **more)
        has_body = self._has_body()
        await threads.check(partial(_begin, record, self._visitor))
        try:
            if has_body or size == 0:
                record, offset = await self._receive_first(record)
            else:
                offset = None
        except ClientGone:
            await threads.check(partial(_forget, record))  # its address was never told to anybody
            raise
        # Relative to the request: what a proxy has taken off its path is nobody's guess.
        told: Headers = [("Location", record.id), *expires(record)]
        await self._answer(201, told if offset is None else [*told, ("Upload-Offset", str(offset))])

    async def _receive_first(self, record: Record) -> tuple[Record, int]:
        """Creation with upload: what is refused then was never created."""
        try:
            async with transfers.hold(record, self._visitor) as transfer:
                await self._take(transfer)
                return transfer.record, transfer.offset
        except UploadError:
            await threads.check(partial(_forget, record))
            raise

    async def _head(self) -> None:
        record = await self._find()
        offset = record.size
        if not records.is_done(record):
            async with transfers.hold(record, self._visitor, take_over=True, measured=False) as transfer:
                record, offset = transfer.record, await transfer.thread(transfer.count)
                if offset == record.size and not records.is_done(record):
                    await transfer.thread(transfer.open)
                    if transfer.is_complete:  # the last byte came after the client had gone
                        await transfer.finish()
                record = transfer.record
        await self._answer(200, upload_headers(record, record.size if records.is_done(record) else offset))

    async def _patch(self) -> None:
        if self._headers.content_type != BODY:
            raise refusal("unsupported")
        offset, length = self._headers.expect_number("upload-offset"), self._size()
        parse_checksum(self._headers.get("upload-checksum"))
        record = await self._find()
        is_new = not records.is_done(record)
        if is_new:
            async with transfers.hold(record, self._visitor) as transfer:
                is_new = not records.is_done(transfer.record)
                if is_new:
                    await self._continue(transfer, offset, length)
                record, reached = transfer.record, transfer.offset
        if is_new:  # answered once the hold has ended, so that the next request finds it free
            await self._told(record, reached)
        else:
            await self._again(record, offset)

    async def _continue(self, transfer: transfers.Transfer, offset: int, length: int | None) -> None:
        if offset != transfer.offset:
            raise UploadError("bad_offset")
        if length is not None:
            await self._declare(transfer, length)
        await self._take(transfer)

    async def _declare(self, transfer: transfers.Transfer, length: int) -> None:
        """The length that was deferred: once, and not less than is here already."""
        if records.DEFERRED not in transfer.record.http:
            if length != transfer.record.size:
                raise refusal("bad_header")
            return
        if length < transfer.offset:
            raise refusal("bad_header")
        if length > transfer.record.size:
            raise UploadError("too_large")
        await transfer.thread(partial(transfer.declare, length))

    async def _again(self, record: Record, offset: int) -> None:
        """A PATCH for a complete upload: the last one repeated, without bytes, as its answer was lost."""
        if offset != record.size:
            raise UploadError("bad_offset")
        async for _piece in pieces(self._receive):
            raise UploadError("too_large")
        await self._told(record, offset)

    async def _told(self, record: Record, offset: int) -> None:
        await self._answer(204, [("Upload-Offset", str(offset)), *expires(record)])

    async def _take(self, transfer: transfers.Transfer) -> None:
        """The body's bytes, and, if they were the last, all that follows."""
        self._headers.refuse_coding()
        checksum = parse_checksum(self._headers.get("upload-checksum"))
        promised = self._headers.number("content-length") or 0
        if transfer.offset + promised > transfer.entry.size:
            raise UploadError("too_large")
        body: AsyncIterator[bytes] = pieces(self._receive)
        if checksum is not None:
            most = promised or transfer.entry.size - transfer.offset
            body = verified(body, checksum, most, self._visitor.uploader.share)
        try:
            await transfer.receive(body)
        except ClientGone:
            if transfer.is_complete:
                await transfer.finish()
            raise
        except UploadError as refused:
            raise UploadError("too_large") if refused.code == "size_mismatch" else refused from None
        if transfer.is_complete:
            await transfer.finish()

    async def _delete(self) -> None:
        record = await self._find()
        if records.is_done(record):
            await threads.check(partial(_forget, record))
        else:
            async with transfers.hold(record, self._visitor, take_over=True, measured=False) as transfer:
                await transfer.thread(transfer.discard)
        await self._answer(204)

    # Parts of a request
    def _intake(self) -> Intake:
        return intakes.get(self._intake_name or conf().tus_intake)

    async def _find(self) -> Record:
        return await threads.check(partial(records.find, self._upload_id, self._visitor, self._page))

    def _size(self) -> int | None:
        size = self._headers.number("upload-length")
        if size is not None and not self._upload_id and size > self._intake().max_size:
            raise UploadError("too_large")
        return size

    def _is_deferred(self) -> bool:
        value = self._headers.get("upload-defer-length")
        if value not in (None, "1"):
            raise refusal("bad_header")
        return value is not None

    def _has_body(self) -> bool:
        is_announced = self._headers.get("transfer-encoding") is not None or self._headers.number("content-length")
        if is_announced and self._headers.content_type != BODY:
            raise refusal("unsupported")
        return bool(is_announced)

    # Answers
    async def _answer(self, status: int, headers: Headers = ()) -> None:
        every = [("Tus-Resumable", VERSION), *headers]
        if not any(name == "Vary" for name, _ in every):
            every.extend(self._origin.cors())
        await answer(self._send, status, every)

    async def _refuse(self, refused: UploadError) -> None:
        headers = [("Tus-Resumable", VERSION), *self._origin.cors()]
        if self._method == "HEAD":
            await answer(self._send, status_of(refused), headers)
        else:
            await answer_json(self._send, status_of(refused), described(refused), headers)


# In threads


def _begin(record: Record, visitor: Visitor) -> None:
    visitor.expect_pace()
    entry = transfers.entry_of(record)
    drive.open(entry, visitor.uploader)
    with entry.parked_reservation():  # until bytes come
        records.store().save(record, records.ttl())
    janitor.come()


def _forget(record: Record) -> None:
    record = records.store().load(record.id) or record  # it says by now where its bytes are
    if not records.is_done(record):
        transfers.entry_of(record).discard()
    records.store().forget(record.id)
