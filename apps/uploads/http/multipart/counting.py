"""Counts the body of a form while it is on its way to Django, whose views start when it is all here."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

from uploads import threads
from uploads.http.multipart import progress
from uploads.http.multipart.handler import COUNTED, UploadProgressCachedHandler
from uploads.http.shared.asgi import Application, Receive, Scope, Send
from uploads.http.shared.headers import Headers
from uploads.http.shared.visitors import request_of

BEGINNING: Final = 16 * 1024  # bytes of a form in which its hidden field is looked for

_FIELD: Final = re.compile(
    rb'name="?' + progress.FIELD.encode() + rb'"?[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{1,128})\r\n', re.IGNORECASE
)

Find: TypeAlias = Callable[[str], Awaitable[str | None]]
"""From a client's name for its upload to the key in the cache."""


async def counted(
    django: Application, handler: type[UploadProgressCachedHandler], scope: Scope, receive: Receive, send: Send
) -> None:
    """Passes a request on to Django, and counts its body if it is a form that wants to be."""
    length = _length(scope)
    if not length:
        await django(scope, receive, send)
        return

    async def find(progress_id: str) -> str | None:
        return await threads.check(lambda: handler.cache_key(request_of(scope), progress_id))

    counter = Counter(receive, length, handler, find)
    given = _ids(scope)
    if given:
        await counter.begin(given[0] if len(given) == 1 else "")

    async def answer_when_over(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            await counter.end()
        await send(message)

    try:
        await django({**scope, COUNTED: True}, counter, answer_when_over)
    finally:
        await asyncio.shield(counter.end())


def _length(scope: Scope) -> int:
    """Bytes of a form that is announced; 0 for anything else."""
    headers = Headers(scope)
    if scope["method"] != "POST" or headers.content_type != "multipart/form-data":
        return 0
    length = headers.text("content-length")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 17 else 0


def _ids(scope: Scope) -> list[str]:
    """What the address or a header calls this upload."""
    found = parse_qs(scope["query_string"].decode("latin-1")).get(progress.FIELD, [])
    header = Headers(scope).get(progress.FIELD.lower())
    return found or ([header] if header else [])


class Counter:
    """Takes the place of `receive`, and tells the cache now and then."""

    def __init__(self, receive: Receive, length: int, handler: type[UploadProgressCachedHandler], find: Find) -> None:
        self._receive, self._length, self._handler, self._find = receive, length, handler, find
        self._key: str | None = None
        self._beginning: bytes | None = b""  # None: no longer needed
        self._received = 0
        self._is_over = asyncio.Event()
        self._saving: asyncio.Future[None] | None = None
        self._is_forgotten = False

    async def begin(self, progress_id: str) -> None:
        self._beginning = None
        self._key = await self._find(progress_id)

    async def __call__(self) -> dict[str, Any]:
        message = await self._receive()
        body = message.get("body", b"")
        self._received += len(body)
        if self._beginning is not None:
            await self._look(body)
        if self._key is not None and (self._saving is None or self._saving.done()):
            self._saving = asyncio.ensure_future(self._save(self._key))
        return message

    async def _look(self, body: bytes) -> None:
        """Whether the hidden field is here by now."""
        assert self._beginning is not None
        self._beginning += body[: BEGINNING - len(self._beginning)]
        if found := _FIELD.search(self._beginning):
            await self.begin(found[1].decode("latin-1"))
        elif len(self._beginning) == BEGINNING:
            self._beginning = None

    async def end(self) -> None:
        """From now on polls are told that it is done: called before the answer, and again if there was none."""
        self._is_over.set()
        if self._saving is not None:
            await asyncio.wait([self._saving])
        if self._is_forgotten or self._key is None:
            return
        await threads.check(partial(self._handler.forgotten, self._key))
        self._is_forgotten = True

    async def _save(self, key: str) -> None:
        """Updates the cache, again as long as there is news."""
        told = -1
        while told != self._received and not self._is_over.is_set():
            told = self._received
            if await threads.check(partial(self._handler.saved, key, told, self._length)) is None:
                self._key = None
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), progress.SAVE_EVERY)
