"""Bodies that Django collects: forms. It keeps them on disk before anybody has a say, so what they take is asked here.

A body has room on the disk before its first byte is read. It has a place among those that views read only once its last
byte is here: slow senders keep nobody from a place, and a crowd of fast ones is no crowd of threads.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final

from liveview.places import Places
from liveview.process import here
from liveview.refusals import Refusal
from liveview.visitors import visitor_at
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


class _Places(Places):
    """An address has half of them at most."""

    def __init__(self) -> None:
        super().__init__(AT_ONCE)


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
                await here(_Places).take(self._address, PATIENCE)
                self.has_place = True
        except TimeoutError:
            self.refused = UploadError("busy")
        except UploadError as refused:
            self.refused = refused
        return message if self.refused is None else {"type": "http.disconnect"}

    async def reserve(self, size: int) -> None:
        """For so many bytes in all. Raises `UploadError`: `storage_full`, or `busy`."""
        more = (size - self._reserved) * COPIES
        await threads.check(partial(self._room.reserve, more, Path(tempfile.gettempdir())))
        self._reserved = size

    def end(self) -> None:
        """Its view has read it: it has answered, or begun to."""
        if self.has_place:
            self.has_place = False
            here(_Places).leave(self._address)


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
    return visitor_at((scope.get("client") or [""])[0])
