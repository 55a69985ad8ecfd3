"""WebSockets with back-pressure in both directions.

Names in camel case are Twisted's and autobahn's, which call them.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from daphne import server as _installs_the_reactor  # noqa: F401  (before anything of Twisted's imports another one)
from daphne.ws_protocol import WebSocketFactory as StockFactory
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.protocol import connectionDone

from liveview.core.limits import Bucket
from liveview.daphne.receive_queue import ReceiveQueue

MAX_UNREAD: Final = 4 * 1024 * 1024  # bytes of messages queued for the application, above which the sender has to wait
CONTROL_FRAMES: Final = (10.0, 100.0)  # pings and pongs that a client may send: per second, and at once
SERVICE_RESTART: Final = 1012  # IANA's registry of close codes: connect again


class Socket(WebSocketProtocol):
    transport: Any
    logOctets: bool
    _unread: ReceiveQueue | None = None

    def opened(self) -> ReceiveQueue:
        """The queue for its application."""
        self._unread = ReceiveQueue(MAX_UNREAD, self._hold, self._release)
        return self._unread

    async def drained(self) -> None:
        """Returns when what was sent has left this process, or never will."""
        await self._drained.wait()

    def go_away(self) -> None:
        """Asks the page to reconnect: this process is shutting down."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=SERVICE_RESTART)
        else:
            self.transport.loseConnection()

    # What is sent
    def connectionMade(self) -> None:
        self._drained = asyncio.Event()
        self._drained.set()
        self._controls = Bucket(*CONTROL_FRAMES)
        super().connectionMade()
        self.transport.unregisterProducer()  # the HTTP channel's, which this connection was
        self.transport.registerProducer(self, True)

    def pauseProducing(self) -> None:
        self._drained.clear()

    def resumeProducing(self) -> None:
        self._drained.set()
        if self.transport.disconnecting:
            self.transport.unregisterProducer()  # otherwise it would wait for us to resume, and never close

    def stopProducing(self) -> None:
        self._drained.set()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self._drained.set()
        super().connectionLost(reason)

    # What is received
    def _hold(self) -> None:
        self.transport.pauseProducing()
        if self.autoPingTimeoutCall:
            self._cancelAutoPingTimeoutCall()  # the pong is behind data that we aren't reading

    def _release(self) -> None:
        self.transport.resumeProducing()

    def check_timeouts(self) -> None:
        if self._unread is not None and self._unread.holds and self.server.has_application(self):
            self.last_ping = time.time()  # no ping while we don't read
        super().check_timeouts()

    def onPing(self, payload: bytes) -> None:
        """Answers can't wait for a client that doesn't read, so pings are limited."""
        if self._controls.take():
            super().onPing(payload)
        else:
            self.transport.abortConnection()

    def onPong(self, payload: bytes) -> None:
        if not self._controls.take():
            self.transport.abortConnection()

    # The same as autobahn's, without formatting a line for its debug log at each call
    def dataReceived(self, data: bytes) -> None:
        self._dataReceived(data)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        if sync or chopsize or self.send_queue or self.logOctets or self.state != self.STATE_OPEN:
            super().sendData(data, sync, chopsize)
        else:
            self.transport.write(data)
            self.trafficStats.outgoingOctetsWireLevel += len(data)


class WebSocketFactory(StockFactory):
    protocol = Socket
