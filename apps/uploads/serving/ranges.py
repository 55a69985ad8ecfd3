"""Byte ranges of a file over HTTP (RFC 9110 §14), so that a player can seek.

A partial response is as long as was requested: WebKit takes a shorter one for the end of the file. What is large is
streamed in small pieces, under `liveview.daphne` at the client's pace. (Stock daphne buffers what its client hasn't
read yet.)
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import IO, Any, Final, NamedTuple

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, parse_http_date_safe

LARGE: Final = 1 << 20  # bytes; what is longer is streamed
PIECE: Final = 64 * 1024  # bytes that are then read and sent at a time

# One range: `bytes=0-`, `bytes=5-9`, `bytes=-3`. Numbers with more digits than any file's size are not parsed.
_RANGE: Final = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))[ \t]*", re.IGNORECASE)
_SEVERAL: Final = re.compile(r"bytes=[^,]*,.*", re.IGNORECASE | re.DOTALL)


class Part(NamedTuple):
    """Bytes from `start` to `stop`, exclusive."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """The range has no byte of the file."""


def parse(header: str, size: int) -> Part | None:
    """The part of a file of `size` bytes to send for a `Range` header; None for all of it.

    A header that isn't a byte range is ignored, as the RFC asks. Raises `Unsatisfiable` for a range that begins after
    the end, and for several ranges: together they could request the file many times over.
    """
    if _SEVERAL.fullmatch(header):
        raise Unsatisfiable
    match = _RANGE.fullmatch(header)
    if match is None:
        return None
    first, last, suffix = (None if number is None else int(number) for number in match.groups())
    if first is None:
        assert suffix is not None
        start, stop = max(0, size - suffix), size
    elif last is not None and last < first:
        return None
    else:
        start, stop = first, size if last is None else min(last + 1, size)
    if start >= stop:
        raise Unsatisfiable
    return Part(start, stop)


def respond(
    request: HttpRequest,
    file: IO[bytes],
    *,
    size: int,
    name: str,
    content_type: str,
    headers: Mapping[str, str],
    modified: datetime | None = None,
) -> HttpResponseBase:
    """The response to a GET or HEAD for `file`, which is closed with it. `name` must identify this very content."""
    etag = f'"{name}"'
    stamp = None if modified is None else int(modified.timestamp())
    response = _answer(request, file, size, content_type, etag, stamp)
    for key, value in headers.items():
        response.headers[key] = value
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = etag
    if stamp is not None:
        response.headers["Last-Modified"] = http_date(stamp)
    chosen = get_conditional_response(request, etag, stamp, response)  # type: ignore[arg-type]  # streams as well
    if chosen is not response:
        response.close()
    assert chosen is not None
    return chosen


def _answer(
    request: HttpRequest, file: IO[bytes], size: int, content_type: str, etag: str, stamp: int | None
) -> HttpResponseBase:
    header = request.headers.get("Range") if request.method == "GET" else None
    try:
        part = parse(header, size) if header and _still(request, etag, stamp) else None
    except Unsatisfiable:
        file.close()
        return HttpResponse(status=416, content_type=content_type, headers={"Content-Range": f"bytes */{size}"})
    if part is not None:
        length = part.stop - part.start
        span = {"Content-Range": f"bytes {part.start}-{part.stop - 1}/{size}", "Content-Length": str(length)}
        file.seek(part.start)
        if length > LARGE:
            return _streamed(request, file, length, status=206, content_type=content_type, headers=span)
        with file:
            return HttpResponse(file.read(length), status=206, content_type=content_type, headers=span)
    if request.method == "HEAD":
        file.close()
        return HttpResponse(content_type=content_type, headers={"Content-Length": str(size)})
    if size > LARGE:
        return _streamed(request, file, size, content_type=content_type, headers={"Content-Length": str(size)})
    return FileResponse(file, content_type=content_type)


def _streamed(request: HttpRequest, file: IO[bytes], length: int, **response: Any) -> HttpResponseBase:
    """So many bytes of the file, from where it is. On ASGI, Django would collect what is not asynchronous in a list."""
    pieces = _Pieces(file, length)
    return StreamingHttpResponse(_AsyncPieces(pieces) if isinstance(request, ASGIRequest) else pieces, **response)


def _still(request: HttpRequest, etag: str, stamp: int | None) -> bool:
    """Whether the part that a client already has, if it says so by `If-Range`, is of this very content."""
    condition = request.headers.get("If-Range")
    if condition is None or condition == etag:
        return True
    return stamp is not None and parse_http_date_safe(condition) == stamp


class _Pieces:
    """Closes the file at its end, and with the response."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left = file, length

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._file.read(min(PIECE, self._left))
        if not piece:
            self.close()
            raise StopIteration
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


class _AsyncPieces:
    def __init__(self, pieces: _Pieces) -> None:
        self._pieces, self.close = pieces, pieces.close

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await asyncio.to_thread(next, self._pieces, b"")
        if not piece:
            raise StopAsyncIteration
        return piece
