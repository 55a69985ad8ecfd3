"""A plain TCP balancer, as a host has one before its processes: each connection goes to the next that listens.

Its event loop has a thread of its own, so that it works beside Playwright's synchronous API.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from e2e.support.proxy import let_others_run

PIECE = 65_536  # bytes moved at a time
ANSWER_WITHIN = 30  # seconds, of the balancer's own thread


class Balancer:
    """`ports` of the processes may be changed from any thread; what is connected stays connected."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.port = 0  # chosen when it starts to listen
        self.bytes_up: Counter[int] = Counter()  # by port
        self._turn = 0
        self._opened: set[StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Balancer:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_exc: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_WITHIN)
        self._loop.close()

    def _run(self, step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(ANSWER_WITHIN)

    # -- inside the loop

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        await let_others_run()  # who was accepted just now is known then
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._opened:
            writer.transport.abort()
        await let_others_run()

    async def _accept(self, from_client: StreamReader, to_client: StreamWriter) -> None:
        self._opened.add(to_client)
        try:
            reached = await self._connect()
            if reached is not None:
                port, from_server, to_server = reached
                self._opened.add(to_server)
                await asyncio.gather(self._move(from_client, to_server, port), self._move(from_server, to_client, None))
        except asyncio.CancelledError:
            pass  # by _stop; asyncio's own callback would report that
        finally:
            to_client.close()

    async def _connect(self) -> tuple[int, StreamReader, StreamWriter] | None:
        """A connection to the next process that takes one."""
        ports = list(self.ports)
        self._turn += 1
        for number in range(len(ports)):
            port = ports[(self._turn + number) % len(ports)]
            with contextlib.suppress(OSError):
                return port, *await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _move(self, reader: StreamReader, writer: StreamWriter, port: int | None) -> None:
        try:
            while data := await reader.read(PIECE):
                if port is not None:
                    self.bytes_up[port] += len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
