"""Body limits enforced in the application itself, for servers that don't: stock daphne and all others.

A server that collects a body before it starts the application still collects it. But the application never sees more
than the limit, and a `Content-Length` above it is refused before anything is read.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from liveview.body_limits import Caps
from liveview.conf import conf
from liveview.refusals import TOO_LARGE

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
        self._warn()
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
        exchange = _Exchange(Caps(conf()).of(scope["path"]), receive, send)
        if exchange.announces_too_much(scope["headers"]):
            return await exchange.refuse(accept)
        await self._application(scope, exchange.receive, exchange.send)
        if exchange.is_over:
            await exchange.refuse(accept)

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "Not running under liveview.daphne: the server may hold whole request bodies in memory before they are "
                "refused, and slow requests may not time out. Start the server with: python -m liveview.daphne"
            )


class _Exchange:
    """One request and its answer. To the application, a body that is too long looks like a client that disconnects."""

    def __init__(self, most: int, receive: Receive, send: Send) -> None:
        self._most, self._receive, self._send = most, receive, send
        self._received = 0
        self._is_answered = False

    @property
    def is_over(self) -> bool:
        return self._received > self._most

    def announces_too_much(self, headers: list[tuple[bytes, bytes]]) -> bool:
        lengths = [value for name, value in headers if name == b"content-length"]
        return any(value.isdigit() and int(value[:20]) > self._most for value in lengths)

    async def receive(self) -> dict[str, Any]:
        if self.is_over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._received += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.is_over else message

    async def send(self, message: dict[str, Any]) -> None:
        self._is_answered = True
        await self._send(message)

    async def refuse(self, accept: str) -> None:
        if not self._is_answered:
            for message in TOO_LARGE.answer(accept):
                await self._send(message)
