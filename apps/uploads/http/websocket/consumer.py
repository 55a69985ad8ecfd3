"""The bare WebSocket of the seeds: send a file, read "File uploaded successfully!". (Seed: seeds/003.)

Each message is a whole file, as in the seed. With `?name=…&size=…` in the address, the messages are the pieces of one
file of that size in bytes. After each message comes `{"received": …, "size": …}`, and when a file is complete the
seed's sentence. There is no flow control here: the pages' own protocol has that. This one takes small files only.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from functools import partial
from typing import Final
from urllib.parse import parse_qs

from liveview.conf import conf as live_conf
from liveview.core.limits import Bucket
from liveview.core.messages import CloseCode
from liveview.core.pace import Patience
from liveview.process import here
from liveview.socket import origins, session_watch
from liveview.socket.connection_limit import ConnectionLimit
from uploads import intakes, threads
from uploads.conf import conf
from uploads.core.slots import SMALLEST_CHUNK
from uploads.errors import UploadError
from uploads.http.shared.asgi import Application, Receive, Scope, Send
from uploads.http.shared.deliveries import Delivery
from uploads.http.shared.visitors import Visitor, speak_as_asked, visitor_of
from uploads.http_errors import described, refusal

logger = logging.getLogger("uploads")

DONE: Final = "File uploaded successfully!"
MAX_SIZE: Final = 16_000_000  # bytes of a file: a server may have to keep that many in memory
MAX_SOCKETS: Final = 20  # of one visitor in one process
IDLE: Final = 60.0  # seconds that one may be slower than a body of a request
TINY: Final = (5.0, 50.0)  # tiny pieces, of one socket: per second, and at once


class Sockets(ConnectionLimit):
    """The sockets of this process, by visitor."""


class FileUploadConsumer:
    """`re_path("ws/upload/$", FileUploadConsumer.as_asgi())`, as in the seed."""

    @classmethod
    def as_asgi(cls) -> Application:
        return _serve


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()  # websocket.connect
    if (reason := origins.refusal(scope)) is not None:
        logger.warning("refused a WebSocket: %s", reason)
        await send({"type": "websocket.close"})  # before accept: HTTP 403
        return
    speak_as_asked(scope)
    visitor = await threads.check(partial(visitor_of, scope))
    await send({"type": "websocket.accept"})
    entry = here(Sockets).enter(visitor.owner or visitor.address, MAX_SOCKETS)
    if entry is None:
        await send({"type": "websocket.close", "code": CloseCode.RATE})
        return
    socket = _Socket(scope, visitor, receive, send)
    try:
        with session_watch.watched(visitor.uploader.standing, socket.session_ended):
            await socket.serve()
    finally:
        entry.leave()
        await asyncio.shield(socket.drop())


class _Socket:
    def __init__(self, scope: Scope, visitor: Visitor, receive: Receive, send: Send) -> None:
        self._path, self._query = scope["path"], scope["query_string"]
        self._visitor, self._receive, self._send = visitor, receive, send
        self._files = Bucket(5, burst=50)
        self._tiny = Bucket(*TINY)
        self._patience = Patience(live_conf().body_pace._replace(period=IDLE))
        self._delivery: Delivery | None = None
        self._waiting: asyncio.Timeout | None = None
        self._has_session = True

    async def serve(self) -> None:
        """Until the client leaves, goes silent, loses its session or breaks the rules."""
        try:
            name, size = _announced(self._query)
            if size is not None:
                await self._begin(name, size)
                await self._receive_one()
            else:
                await self._receive_many(name)
        except UploadError as refused:
            await self._say(json.dumps(described(refused)))
            await self._send({"type": "websocket.close", "code": _close_code(refused)})

    def session_ended(self) -> None:
        """A socket that waits for its next message waits no longer. What is being written asks for itself."""
        self._has_session = False
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def drop(self) -> None:
        """Removes a file that isn't complete."""
        delivery, self._delivery = self._delivery, None
        if delivery is not None:
            await threads.check(delivery.discard)

    async def _receive_one(self) -> None:
        """The pieces of the announced file. A refusal ends the socket: the rest of the file is in transit."""
        while (message := await self._next()) is not None:
            if self._delivery is None:
                raise UploadError("size_mismatch")  # more after the last byte
            self._expect_substance(message[0], self._delivery)
            await self._take(message[0])

    def _expect_substance(self, data: bytes, delivery: Delivery) -> None:
        """Each piece costs a write and an answer, whatever its length. Raises `UploadError("rate_limited")`."""
        is_last = delivery.received + len(data) >= delivery.size
        if len(data) < SMALLEST_CHUNK and not is_last and not self._tiny.take():
            raise UploadError("rate_limited")

    async def _receive_many(self, name: str) -> None:
        """Each message is a file; a refused one doesn't stop the next."""
        while (message := await self._next()) is not None:
            data, suffix = message
            if not self._files.take():
                raise UploadError("rate_limited")
            try:
                await self._begin(name or f"upload{suffix}", len(data))
                await self._take(data)
            except UploadError as refused:
                await self.drop()
                await self._say(json.dumps(described(refused)))

    async def _next(self) -> tuple[bytes, str] | None:
        """The next message's bytes and the extension that they get without a name; None at the end."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience.left if self._has_session else 0) as self._waiting:
                message = await self._receive()
        except TimeoutError:
            raise UploadError("timeout" if self._has_session else "session_ended") from None
        finally:
            self._waiting = None
        if message["type"] == "websocket.disconnect":
            return None
        text = message.get("text")
        data, suffix = (message.get("bytes") or b"", "") if text is None else (text.encode(), ".txt")
        self._patience.came(len(data), time.monotonic() - began)
        return data, suffix

    async def _begin(self, name: str, size: int) -> None:
        if size > MAX_SIZE:
            raise UploadError("too_large")
        make = partial(Delivery, intakes.get(conf().intake), self._visitor, self._path, name or "upload", size)
        self._delivery = await threads.handed_over(threads.check, make, Delivery.discard)

    async def _take(self, data: bytes) -> None:
        delivery = self._delivery
        assert delivery is not None
        if data:
            await delivery.thread(partial(delivery.write, [data]))
        await self._say(json.dumps({"received": delivery.received, "size": delivery.size}))
        if delivery.received == delivery.size:
            self._delivery = None
            who = self._visitor.uploader
            await threads.to_the_end(threads.judge(delivery.finish, who.share, who.network))
            await self._say(DONE)

    async def _say(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})


_CLOSE_CODES: Final = {
    "rate_limited": CloseCode.RATE,
    "session_ended": CloseCode.SESSION_ENDED,
    "timeout": CloseCode.IDLE,
}


def _close_code(refused: UploadError) -> int:
    return _CLOSE_CODES.get(refused.code, CloseCode.PROTOCOL)


def _announced(query: bytes) -> tuple[str, int | None]:
    """The name and size in the address. Raises `UploadError("bad_header")` for a size that isn't a number."""
    found = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    size = found.get("size", [""])[0]
    if "size" in found and not (size.isascii() and size.isdigit() and len(size) < 16):
        raise refusal("bad_header")
    return found.get("name", [""])[0], int(size) if size else None
