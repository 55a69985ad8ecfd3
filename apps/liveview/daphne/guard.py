"""Body limits enforced in the application itself, for servers that don't: stock daphne and all others.

A server that collects a body before it starts the application still collects it. But the application never sees more
than the limit, and a `Content-Length` above it is refused before anything is read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from liveview import housekeeping
from liveview.body_limits import Caps
from liveview.conf import conf
from liveview.core.pace import Patience
from liveview.refusals import TOO_LARGE, TOO_SLOW, Refusal, language_of

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

EXTENSION: Final = "liveview.caps"  # in the scope of a server that enforces them itself

logger = logging.getLogger("liveview.daphne")


def capped(application: Any) -> Application:
    """An ASGI application for HTTP whose request bodies have the limits of `LIVEVIEW`; larger ones get a 413."""
    return _Capped(application)


class _Capped:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._has_warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or EXTENSION in (scope.get("extensions") or {}):
            return await self._application(scope, receive, send)
        housekeeping.served(scope)
        self._warn()
        exchange = _Exchange(Caps(conf()).of(scope["path"]), receive, send)
        if exchange.announces_too_much(scope["headers"]):
            exchange.refused = TOO_LARGE
        else:
            await self._application(scope, exchange.receive, exchange.send)
        await exchange.end(scope["headers"])

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "Not running under liveview.daphne: the server may hold whole request bodies in memory before they are "
                "refused, and slow headers may not time out. Start the server with: python -m liveview.daphne"
            )


class _Exchange:
    """One request and its answer. To the application, a body that is too long, or too slow, looks like a client that
    disconnects."""

    def __init__(self, most: int, receive: Receive, send: Send) -> None:
        self._most, self._receive, self._send = most, receive, send
        self._received = 0
        self._patience = Patience(conf().body_pace)
        self._is_complete = self._is_answered = False
        self.refused: Refusal | None = None

    def announces_too_much(self, headers: list[tuple[bytes, bytes]]) -> bool:
        lengths = [value for name, value in headers if name == b"content-length"]
        return any(value.isdigit() and int(value[:20]) > self._most for value in lengths)

    async def receive(self) -> dict[str, Any]:
        if self.refused is None:
            message = await self._next()
            if self._received > self._most:
                self.refused = TOO_LARGE
        return {"type": "http.disconnect"} if self.refused is not None else message

    async def _next(self) -> dict[str, Any]:
        if self._is_complete:  # what comes now is the end of the connection, and may take as long as it likes
            return await self._receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience.left):
                message = await self._receive()
        except TimeoutError:
            self.refused = TOO_SLOW
            return {}
        size = len(message.get("body", b""))
        self._received += size
        self._patience.came(size, time.monotonic() - began)
        self._is_complete = not message.get("more_body")
        return message

    async def send(self, message: dict[str, Any]) -> None:
        self._is_answered = True
        await self._send(message)

    async def end(self, headers: list[tuple[bytes, bytes]]) -> None:
        if self.refused is not None and not self._is_answered:
            said = [
                b",".join(value for each, value in headers if each == name) for name in (b"accept", b"accept-language")
            ]
            cookies = b"; ".join(value for each, value in headers if each == b"cookie")
            for message in self.refused.answer(said[0].decode("latin-1"), language_of(said[1], cookies)):
                await self._send(message)
