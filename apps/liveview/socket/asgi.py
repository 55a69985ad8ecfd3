"""The ASGI application of a page's WebSocket.

Not a Channels consumer: its dispatch hops to a thread for every message, binary frames of an upload included. This one
reads as fast as the network delivers, and doesn't wait itself: a view's turns wait until their output has been sent.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from liveview import housekeeping, pubsub
from liveview.conf import conf
from liveview.core.messages import CloseCode
from liveview.core.time_budget import SLICE
from liveview.process import here
from liveview.socket import origins
from liveview.socket.connection_limit import ConnectionLimit
from liveview.socket.outbox import Outbox
from liveview.socket.session import LiveSession
from liveview.visitors import visitor_at

logger = logging.getLogger("liveview")

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]


class _PerAddress(ConnectionLimit):
    """The sockets of one address."""


async def live_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """Serves one socket from handshake to end."""
    await receive()  # websocket.connect
    if (reason := origins.refusal(scope)) is not None:
        logger.warning("refused a WebSocket: %s", reason)
        await send({"type": "websocket.close"})  # before accept: HTTP 403
        return
    await send({"type": "websocket.accept"})
    address = visitor_at((scope.get("client") or [""])[0])
    entry = here(_PerAddress).enter(address, conf().max_sockets_per_address or 1_000_000)
    if entry is None:
        await send({"type": "websocket.close", "code": CloseCode.RATE})
        return
    pubsub.settle(asyncio.get_running_loop())
    housekeeping.served(scope)
    try:
        await _Socket(scope, receive, send).serve()
    finally:
        entry.leave()


class _Socket:
    """Reads and writes. Once it is closing, whatever arrives is ignored."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._outbox = Outbox(self._overrun)
        self._session = LiveSession(scope, self._outbox)

    async def serve(self) -> None:
        self._writer = asyncio.ensure_future(self._outbox.send_all(self._send))
        self._session.start()
        try:
            await self._read()
        finally:
            self._writer.cancel()
            self._session.leave()
            self._outbox.end()
            await asyncio.shield(self._session.closed())  # what is left goes even if the server gives up waiting

    async def _read(self) -> None:
        """A server may have many messages ready: others have their turn in between."""
        until = time.monotonic() + SLICE
        while (message := await self._receive())["type"] != "websocket.disconnect":
            if time.monotonic() > until:
                await asyncio.sleep(0)
                until = time.monotonic() + SLICE
            if self._outbox.is_closed:
                continue
            if (frame := message.get("bytes")) is not None:
                self._session.received_binary(frame)
            elif (text := message.get("text")) is not None:
                self._session.received(text)

    def _overrun(self) -> None:
        """The browser isn't reading: a close queued behind everything else would never be sent."""
        self._writer.cancel()
        self._outbox.clear()
        self._session.close(CloseCode.RATE)
        self._writer = asyncio.ensure_future(self._outbox.send_all(self._send))
