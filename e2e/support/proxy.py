"""A TCP proxy that misbehaves on demand, to put between a browser and the server.

    link = link_to("server")            # a fixture

    with FaultProxy("127.0.0.1", 8000) as proxy:
        page.goto(proxy.url)
        proxy.latency = 0.05            # seconds, each way
        proxy.shakes_hands = True       # a new connection takes a round trip until it is there, as TCP's do
        proxy.rate = 1_000_000          # bytes per second, of each connection and way; None is unlimited
        proxy.cut_after = 5_000_000     # cut everything, once, when so many bytes have gone to the server
        proxy.stall = True              # keep connections open and move nothing: a half-dead network
        proxy.refuse = True             # reset new connections at once
        proxy.cut()                     # reset all connections now
        proxy.target = (host, port)     # new connections go to another server
        proxy.down(); proxy.up()        # stop and start listening: a true "connection refused"

Its event loop has a thread of its own, so that it works beside Playwright's synchronous API.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from asyncio import Queue, StreamReader, StreamWriter
from collections.abc import Coroutine, Iterator
from typing import Any, Literal

import pytest

from e2e.support.console import Console
from liveview.tests.ports import HOST

PIECE = 16_384  # bytes moved at a time
PIECES_IN_FLIGHT = 64  # then the sender has to wait: back-pressure goes through
STALL_CHECK = 0.02  # seconds
ANSWER_WITHIN = 10  # seconds, of the proxy's own thread

Way = Literal["up", "down"]


class FaultProxy:
    """Forwards `127.0.0.1:port` to a server. Its attributes may be set, and its methods called, from any thread."""

    def __init__(self, host: str, port: int, *, latency: float = 0.0, rate: float | None = None) -> None:
        self.port = 0  # chosen when it starts to listen
        self.latency = latency
        self.rate = rate
        self.cut_after: int | None = None
        self.stall = False
        self.refuse = False
        self.shakes_hands = False
        self.bytes_up = self.bytes_down = 0
        self.accepted = self.cuts = 0
        self.target = (host, port)
        self._writers: set[StreamWriter] = set()
        self._opened: set[StreamWriter] = set()
        self._accepting: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.cut()
        self.down()
        self._run(self._finish_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_WITHIN)
        self._loop.close()

    def up(self) -> None:
        self._run(self._listen())

    def down(self) -> None:
        self._run(self._stop_listening())

    def cut(self) -> None:
        self._run(self._cut())

    # -- inside the loop

    def _run(self, step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(ANSWER_WITHIN)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=4 * PIECE)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _cut(self) -> None:
        self._cut_all()

    async def _finish_tasks(self) -> None:
        await let_others_run()  # who was accepted just now is known then
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._opened:
            writer.transport.abort()
        await let_others_run()

    def _cut_all(self) -> None:
        self.cuts += 1
        for writer in list(self._writers):
            self._reset(writer)

    def _reset(self, writer: StreamWriter) -> None:
        """Closes with RST, as a network that is gone does, instead of FIN."""
        connection = writer.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        self._writers.discard(writer)

    def _connected(self, from_client: StreamReader, to_client: StreamWriter) -> None:
        """Not a coroutine: one that is cancelled before its first step would leave the connection open."""
        self._opened.add(to_client)
        task = self._loop.create_task(self._accept(from_client, to_client))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _accept(self, from_client: StreamReader, to_client: StreamWriter) -> None:
        self.accepted += 1
        if self.refuse:
            return self._reset(to_client)
        if self.shakes_hands:
            await asyncio.sleep(2 * self.latency)
        try:
            from_server, to_server = await asyncio.open_connection(*self.target, limit=4 * PIECE)
        except OSError:
            return self._reset(to_client)
        self._opened.add(to_server)
        self._writers |= {to_client, to_server}
        try:
            await asyncio.gather(
                self._forward(from_client, to_server, "up"), self._forward(from_server, to_client, "down")
            )
        finally:
            to_client.close()
            to_server.close()

    async def _forward(self, reader: StreamReader, writer: StreamWriter, way: Way) -> None:
        pieces: Queue[tuple[float, bytes]] = Queue(PIECES_IN_FLIGHT)
        reading = asyncio.create_task(self._read(reader, pieces))
        try:
            await self._write(pieces, writer, way)
        except OSError:
            self._reset(writer)
        finally:
            reading.cancel()
            if way == "down":
                writer.close()
            self._writers.discard(writer)

    async def _read(self, reader: StreamReader, pieces: Queue[tuple[float, bytes]]) -> None:
        """Queues each piece with the time at which it is due; an empty one is the end."""
        try:
            while data := await reader.read(PIECE):
                await pieces.put((time.monotonic() + self.latency, data))
        except OSError:
            pass
        await pieces.put((0.0, b""))

    async def _write(self, pieces: Queue[tuple[float, bytes]], writer: StreamWriter, way: Way) -> None:
        link_free_at = 0.0
        while True:
            due, data = await pieces.get()
            while self.stall:  # noqa: ASYNC110  (another thread sets it)
                await asyncio.sleep(STALL_CHECK)
            if not data:
                break
            at = max(time.monotonic(), due, link_free_at)
            if self.rate:
                at = link_free_at = at + len(data) / self.rate
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            writer.write(data)
            await writer.drain()
            if self._count(len(data), way):
                return
        if writer.can_write_eof():
            writer.write_eof()

    def _count(self, size: int, way: Way) -> bool:
        """Says whether that was the byte to cut after."""
        if way == "down":
            self.bytes_down += size
            return False
        self.bytes_up += size
        if self.cut_after is None or self.bytes_up < self.cut_after:
            return False
        self.cut_after = None
        self._cut_all()
        return True


def link_to(name: str, *, rate: float | None = None, expected: str = "") -> Any:
    """A fixture: a network before what the fixture `name` serves, of whose failures the console may tell `expected`."""

    @pytest.fixture
    def link(request: pytest.FixtureRequest, console: Console) -> Iterator[FaultProxy]:
        if expected:
            console.expect(expected)
        server = request.getfixturevalue(name)
        with FaultProxy(HOST, server.port, rate=rate) as link:
            yield link
            console.stop()  # pages that are still open notice that their network ends

    return link


async def let_others_run() -> None:
    """A closed transport takes a few turns of the loop to be gone."""
    for _ in range(5):
        await asyncio.sleep(0)
