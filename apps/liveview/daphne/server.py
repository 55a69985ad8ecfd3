"""daphne's server with our connections, and a graceful shutdown."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import resource
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from daphne import server as stock
from twisted.internet.defer import Deferred

from liveview import housekeeping, jobs, threads
from liveview.body_limits import Caps
from liveview.conf import conf
from liveview.core.addresses import is_within
from liveview.daphne.accounts import Payer, Visits
from liveview.daphne.channel import Channel
from liveview.daphne.guard import EXTENSION
from liveview.daphne.receive_queue import Message, ReceiveQueue
from liveview.daphne.request import HTTPFactory, Request
from liveview.daphne.sockets import Socket, WebSocketFactory
from liveview.daphne.turns import Chargeable, Metered
from liveview.process import here
from liveview.refusals import TOO_BUSY
from liveview.socket import mounting

BACKLOG: Final = 2048  # connections that wait to be accepted, as a restart's visitors do; the system may allow less
SPARE: Final = 200  # files that aren't for connections, or for those that are accepted before others have closed
LOOK_EVERY: Final = 0.05  # seconds, while the last requests finish
CANCELLED_WITHIN: Final = 5.0  # seconds for the applications that were still running then

SWITCH: Final = 0.001  # seconds after which a busy thread gives way; Python's 0.005 is long where ten are busy

T = TypeVar("T")

logger = logging.getLogger("liveview.daphne")


def with_backlog(endpoint: str) -> str:
    """A description as Twisted has it; its own backlog is 50, beyond which a client waits for seconds to ask again."""
    is_ours = endpoint.startswith(("tcp:", "ssl:", "unix:")) and "backlog=" not in endpoint
    return f"{endpoint}:backlog={BACKLOG}" if is_ours else endpoint


class Server(stock.Server):
    entering: Payer  # of whoever's application is being made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.conf = conf()
        self.caps = Caps(self.conf)
        self.channels: dict[Channel, None] = {}  # connections that speak HTTP, the oldest first
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most_connections = max(files // 2, files - SPARE)
        self.is_stopping = self._has_warned = False
        self._ports: list[Any] = []
        super().__init__(*args, **kwargs)
        self.endpoints = [*map(with_backlog, self.endpoints)]

    def run(self) -> None:
        mounting.prepare()
        gc.collect()
        gc.freeze()  # what is loaded by now stays: while pages come back in crowds, no collection looks through it
        housekeeping.start()
        sys.setswitchinterval(SWITCH)
        with _our_factories():
            super().run()
        jobs.backend().stop()

    def create_application(self, protocol: Request | Socket, scope: dict[str, Any]) -> ReceiveQueue | None:
        """Starts the application. Returns its queue; None for a request that fills it itself."""
        queue = protocol.opened()
        streamed = protocol if isinstance(protocol, Request) and protocol.is_streamed else None
        scope.setdefault("asgi", {"version": "3.0"})
        scope.setdefault("extensions", {})[EXTENSION] = {}
        payer = protocol.payer = self.entering
        budgets: list[Chargeable] = [payer]
        if isinstance(protocol, Socket):  # which leaves to the address what it still owes at its end
            budgets = [protocol.budget, here(Visits)]
            payer.open(protocol.budget)
        elif streamed:
            budgets.append(protocol.budget)
        application = partial(
            self.application,
            scope=scope,
            receive=protocol.receive if streamed or isinstance(protocol, Socket) else queue.get,
            send=partial(self.handle_reply, protocol),
        )
        protocol.metered = Metered(self._let_in(protocol, application), *budgets)
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(protocol.metered)
        return None if streamed else queue

    async def _let_in(self, protocol: Request | Socket, application: Callable[[], Awaitable[None]]) -> None:
        """Runs an application, now or when it is the turn of its address, on whose account its threads are."""
        payer = protocol.payer
        assert payer is not None
        if payer.needs_turn and not await payer.turn():
            protocol.refuse(TOO_BUSY)
            return
        threads.payer.set(payer)
        try:
            await self._run(protocol, application)
        finally:
            payer.settle()

    async def _run(self, protocol: Request | Socket, application: Callable[[], Awaitable[None]]) -> None:
        if isinstance(protocol, Socket):
            await application()
            return
        async with ThreadSensitiveContext() as context:  # which Django would make, with a thread that nobody pays for
            SyncToAsync.context_to_thread_executor[context] = _Thread()
            await application()

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

    def warn_of_proxy(self, network: str) -> None:
        """One says for whom it asks, and isn't believed: to us, all its visitors are one."""
        if not self._has_warned and not is_within(network, self.conf.shared_addresses):
            self._has_warned = True
            logger.warning(
                "Requests from %s have X-Forwarded-For. If that is your proxy, start the server with --proxy-headers, "
                'or name it in LIVEVIEW["SHARED_ADDRESSES"]: else all its visitors share the limits of one address.',
                network,
            )

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


class _Thread(ThreadPoolExecutor):
    """The one in which Django runs what isn't async of a request."""

    def __init__(self) -> None:
        super().__init__(1)

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return super().submit(threads.charged(partial(function, *args, **kwargs)))


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
