"""Bodies that Django collects: forms. It keeps them on disk before anybody has a say, so what they take is asked here.

A body has room on the disk before its first byte is read. It has a place among those that views read only once its last
byte is here: slow senders keep nobody from a place, and a crowd of fast ones is no crowd of threads.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter, deque
from functools import partial
from pathlib import Path
from typing import Any, Final

from liveview.core.addresses import network_of
from liveview.process import here
from liveview.refusals import Refusal
from uploads import threads
from uploads.entries.quotas import Awaited
from uploads.errors import UploadError
from uploads.http.shared.asgi import Application, Receive, Scope, Send
from uploads.http.shared.headers import Headers
from uploads.http_errors import status_of

SMALL: Final = 64 * 1024  # bytes; no longer body costs more than any other request
AT_ONCE: Final = 16  # longer ones that views read at the same time in one process
PATIENCE: Final = 60.0  # seconds that one waits for that
COPIES: Final = 2  # Django keeps the body, and then the files in it
STEP: Final = 16 * 1024 * 1024  # bytes of a body that doesn't say its length which are reserved at a time


class Places:
    """Who may have their form read now. An address has half of the places at most; otherwise it is first come."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._waiting: deque[tuple[str, asyncio.Future[None]]] = deque()

    async def take(self, address: str) -> None:
        """Raises `UploadError("busy")` if there is none for a long time."""
        if self._is_free(address):
            self._taken[address] += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((address, place))
        try:
            async with asyncio.timeout(PATIENCE):
                await place
        except BaseException as ended:
            self._waiting = deque(other for other in self._waiting if other[1] is not place)
            if place.done() and not place.cancelled():  # given, and nobody there to use it
                self.leave(address)
            if isinstance(ended, TimeoutError):
                raise UploadError("busy") from None
            raise

    def leave(self, address: str) -> None:
        self._taken[address] -= 1
        self._taken += Counter()  # forgets who has none
        for number, (other, place) in enumerate(self._waiting):
            if self._is_free(other) and not place.done():
                del self._waiting[number]
                self._taken[other] += 1
                place.set_result(None)
                return

    def _is_free(self, address: str) -> bool:
        return self._taken.total() < AT_ONCE and self._taken[address] < AT_ONCE // 2


class Body:
    """One request's, given to Django in place of `receive`. `refused` says why it was cut off, if it was."""

    def __init__(self, scope: Scope, receive: Receive, room: Awaited) -> None:
        self._receive, self._room = receive, room
        self._address = address_of(scope)
        self._reserved = self._received = 0
        self.has_place = False
        self.refused: UploadError | None = None

    async def __call__(self) -> dict[str, Any]:
        if self.refused is not None:
            return {"type": "http.disconnect"}
        message = await self._receive()
        length = len(message.get("body", b""))
        self._received += length
        try:
            if self._received > max(SMALL, self._reserved):
                await self.reserve(self._received + STEP)
            self._room.written(length)
            if self._received > SMALL and message["type"] == "http.request" and not message.get("more_body"):
                await here(Places).take(self._address)
                self.has_place = True
        except UploadError as refused:
            self.refused = refused
            return {"type": "http.disconnect"}
        return message

    async def reserve(self, size: int) -> None:
        """For so many bytes in all. Raises `UploadError`: `storage_full`, or `busy`."""
        more = (size - self._reserved) * COPIES
        await threads.check(partial(self._room.reserve, more, Path(tempfile.gettempdir())))
        self._reserved = size

    def end(self) -> None:
        """Its view has read it: it has answered, or begun to."""
        if self.has_place:
            self.has_place = False
            here(Places).leave(self._address)


class Collected:
    """Django, for requests whose bodies it collects."""

    def __init__(self, django: Application) -> None:
        self._django = django

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope)
        with Awaited(f"address:{address_of(scope)}") as room:
            body = Body(scope, receive, room)
            answer = _Answer(body, send)
            try:
                if (length := headers.number("content-length") or 0) > SMALL:
                    await body.reserve(length)
                await self._django(scope, body, answer)
            except UploadError as refused:
                body.refused = refused
            finally:
                body.end()
        if body.refused is not None and not answer.has_begun:
            await send_refusal(body.refused, headers, send)


class _Answer:
    """Django's answer; what it says of a body that was cut off is not for the client."""

    def __init__(self, body: Body, send: Send) -> None:
        self._body, self._send = body, send
        self.has_begun = False

    async def __call__(self, message: dict[str, Any]) -> None:
        if self._body.refused is None or self.has_begun:
            self.has_begun = True
            self._body.end()  # an answer that is streamed may take as long as it likes
            await self._send(message)


async def send_refusal(refused: UploadError, headers: Headers, send: Send) -> None:
    """As data, or as a page for a person who has sent a form."""
    for message in Refusal(status_of(refused), refused.code, refused.message).answer(headers.text("accept")):
        await send(message)


def address_of(scope: Scope) -> str:
    return network_of((scope.get("client") or [""])[0])
