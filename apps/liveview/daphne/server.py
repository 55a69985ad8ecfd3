"""daphne's server with our connections, and a graceful shutdown."""

from __future__ import annotations

import asyncio
import logging
import math
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from daphne import server as stock
from twisted.internet.defer import Deferred

from liveview import housekeeping
from liveview.body_limits import Caps
from liveview.conf import conf
from liveview.daphne.channel import Channel
from liveview.daphne.guard import EXTENSION
from liveview.daphne.receive_queue import Message, ReceiveQueue
from liveview.daphne.request import HTTPFactory, Request
from liveview.daphne.sockets import Socket, WebSocketFactory
from liveview.daphne.turns import Metered

SPARE: Final = 200  # files that aren't for connections, or for those that are accepted before others have closed
LOOK_EVERY: Final = 0.05  # seconds, while the last requests finish
CANCELLED_WITHIN: Final = 5.0  # seconds for the applications that were still running then

logger = logging.getLogger("liveview.daphne")


class Server(stock.Server):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.conf = conf()
        self.caps = Caps(self.conf)
        self.channels: dict[Channel, None] = {}  # connections that speak HTTP, the oldest first
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most_connections = max(files // 2, files - SPARE)
        self.is_stopping = False
        self._ports: list[Any] = []
        super().__init__(*args, **kwargs)

    def run(self) -> None:
        housekeeping.start()
        with _our_factories():
            super().run()

    def create_application(self, protocol: Request | Socket, scope: dict[str, Any]) -> ReceiveQueue | None:
        """Starts the application. Returns its queue; None for a request that fills it itself."""
        queue = protocol.opened()
        streamed = protocol if isinstance(protocol, Request) and protocol.is_streamed else None
        scope.setdefault("asgi", {"version": "3.0"})
        scope.setdefault("extensions", {})[EXTENSION] = {}
        is_metered = streamed is not None or isinstance(protocol, Socket)  # it is what they send that costs time
        application = self.application(
            scope=scope,
            receive=protocol.receive if is_metered else queue.get,
            send=partial(self.handle_reply, protocol),
        )
        if is_metered:
            application = protocol.metered = Metered(application, protocol.budget)
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(application)
        return None if streamed else queue

    async def handle_reply(self, protocol: Request | Socket, message: Message) -> None:
        """As stock daphne's, but returns only when the client has taken all but a few hundred kilobytes."""
        await super().handle_reply(protocol, message)
        await protocol.drained()

    def make_room(self, new: Channel) -> None:
        """Closes an idle connection if too many are open: the oldest of whoever has most of those."""
        if len(self.channels) + len(self.connections) <= self.most_connections:
            return
        idle = [channel for channel in self.channels if channel.is_idle and channel is not new]
        if idle:
            count = Counter(channel.network for channel in idle)
            most = max(count.values())
            next(channel for channel in idle if count[channel.network] == most).make_way()

    def has_application(self, protocol: Request | Socket) -> bool:
        """Whether it is still running."""
        application = self.connections.get(protocol, {}).get("application_instance")
        return application is not None and not application.done()

    # The end
    def listen_success(self, port: Any) -> None:
        self._ports.append(port)
        super().listen_success(port)

    def kill_all_applications(self) -> Deferred[None]:
        """Before the reactor stops, as SIGTERM and SIGINT ask it to."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        """Stops listening, asks sockets to reconnect elsewhere, lets requests finish, and cancels the rest."""
        self.is_stopping = True
        for port in self._ports:
            port.stopListening()
        for channel in list(self.channels):
            channel.retire()
        for protocol in list(self.connections):
            if isinstance(protocol, Socket):
                protocol.go_away()
        for _ in range(math.ceil(self.conf.shutdown_seconds / LOOK_EVERY)):
            if not self._is_busy():
                break
            await asyncio.sleep(LOOK_EVERY)
        await self._cancel_applications()

    def _is_busy(self) -> bool:
        return any(self.has_application(protocol) for protocol in self.connections) or any(
            not channel.is_lingering for channel in self.channels
        )

    async def _cancel_applications(self) -> None:
        running = [
            details["application_instance"]
            for protocol, details in self.connections.items()
            if self.has_application(protocol)
        ]
        for application in running:
            application.cancel()
        if running:
            logger.warning("shutdown: cancelled %d requests and sockets that were still running", len(running))
            await asyncio.wait(running, timeout=CANCELLED_WITHIN)


@contextmanager
def _our_factories() -> Iterator[None]:
    """daphne's `run` makes its factories by these names. It returns when the server ends."""
    module: Any = stock
    before = module.HTTPFactory, module.WebSocketFactory
    module.HTTPFactory, module.WebSocketFactory = HTTPFactory, WebSocketFactory
    try:
        yield
    finally:
        module.HTTPFactory, module.WebSocketFactory = before
