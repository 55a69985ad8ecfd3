"""WebSockets with back-pressure in both directions, and a budget of the event loop's time for what they send.

Names in camel case are Twisted's and autobahn's, which call them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final

from autobahn.exception import Disconnected
from autobahn.websocket.types import ConnectionDeny
from daphne import server as _installs_the_reactor  # noqa: F401  (before anything of Twisted's imports another one)
from daphne.ws_protocol import WebSocketFactory as StockFactory
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.protocol import connectionDone

from liveview.conf import conf
from liveview.core.limits import Bucket
from liveview.core.messages import CloseCode
from liveview.core.time_budget import TimeBudget
from liveview.daphne.accounts import Payer
from liveview.daphne.receive_queue import Message, ReceiveQueue
from liveview.daphne.turns import Metered, Turns, turn
from liveview.process import here
from liveview.refusals import Refusal

MAX_UNREAD: Final = 4 * 1024 * 1024  # bytes of messages queued for the application, above which the sender has to wait
CONTROL_FRAMES: Final = (10.0, 100.0)  # pings and pongs that a client may send: per second, and at once
SERVICE_RESTART: Final = 1012  # IANA's registry of close codes: connect again
STEP: Final = 1024  # bytes that are read between two looks at the clock, unless they are inside a larger frame
OPTIONS: Final[tuple[str, ...]] = tuple(WebSocketProtocol.CONFIG_ATTRS)  # that a connection has from its factory
LARGE: Final = 4096  # bytes of a text message; it is a turn of its own, as nobody knows what parsing it costs


class Socket(WebSocketProtocol):
    CONFIG_ATTRS = []  # autobahn would format all of them for its debug log, at each connection
    transport: Any
    logOctets: bool
    data: bytes
    current_frame: Any
    current_frame_masker: Any
    metered: Metered[Any]
    payer: Payer | None = None
    _arrived = b""  # and isn't read yet
    _awaits_turn = False
    _is_cut = False  # nothing is read any more
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

    def refuse(self, refusal: Refusal) -> None:
        """Answers the handshake in the application's place."""
        self.handshake_deferred.errback(ConnectionDeny(code=refusal.status, reason=refusal.message))
        del self.handshake_deferred
        self.server.protocol_disconnected(self)

    # What is sent
    def connectionMade(self) -> None:
        self._drained = asyncio.Event()
        self._drained.set()
        self._controls = Bucket(*CONTROL_FRAMES)
        self.budget = TimeBudget(conf().loop_seconds)
        for name in OPTIONS:
            if not hasattr(self, name):
                setattr(self, name, getattr(self.factory, name))
        super().connectionMade()
        self.transport.unregisterProducer()  # the HTTP channel's, which this connection was
        self.transport.registerProducer(self, True)

    def sendMessage(self, *args: Any, **kwargs: Any) -> None:
        """Nothing, to somebody who has left already: the application hears of it with its next message."""
        with contextlib.suppress(Disconnected):
            super().sendMessage(*args, **kwargs)

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
        if self.payer is not None:
            self.payer.inherit(self.budget)

    # What is received
    @property
    def _holds(self) -> bool:
        """Whether its application has enough to do."""
        return self._unread is not None and self._unread.holds

    def _hold(self) -> None:
        self.transport.pauseProducing()
        if self.autoPingTimeoutCall:
            self._cancelAutoPingTimeoutCall()  # the pong is behind data that we aren't reading

    def _release(self) -> None:
        if not self._holds and not self._awaits_turn:
            self.transport.resumeProducing()

    def check_timeouts(self) -> None:
        if (self._holds and self.server.has_application(self)) or self._awaits_turn:
            self.last_ping = time.time()  # no ping while we don't read
        super().check_timeouts()

    async def receive(self) -> Message:
        """What the application awaits. It gets a message when it is its turn, if it has taken much time already."""
        assert self._unread is not None
        self.metered.settle()
        self._expect_time()
        await turn(self.budget)
        message = await self._unread.get()
        self.metered.given(len(message.get("bytes") or b""))
        if len(message.get("text") or "") > LARGE:
            await turn(self.budget, always=True)
        return message

    def dataReceived(self, data: bytes) -> None:
        """autobahn reads all that it is given, and each frame takes its time: it is given a little at a time."""
        if self._is_cut:
            return
        self._arrived += data
        if not self._awaits_turn:
            self._read()

    def _read(self) -> None:
        at = 0
        while at < len(self._arrived) and not self.budget.needs_turn:
            piece = self._arrived[at : at + self._step()]
            at += len(piece)
            self._read_piece(piece)
        self._arrived = self._arrived[at:]
        self._expect_time()
        if self._arrived and not self._is_cut:
            self._awaits_turn = True
            self._hold()
            here(Turns).ask(self.budget, self._go_on)

    def _read_piece(self, piece: bytes) -> None:
        """Without autobahn's `dataReceived`, which formats a line for its debug log at each call."""
        if self.state == self.STATE_CONNECTING:  # the handshake
            self._dataReceived(piece)
            return
        began, since = time.thread_time(), time.monotonic()
        self._dataReceived(piece)
        self.budget.charge(time.thread_time() - began, len(piece), time.monotonic() - since)

    def _step(self) -> int:
        """How many bytes are read at once: the rest of a frame costs no more than a part of it."""
        if self.state != self.STATE_OPEN or self.current_frame is None:
            return STEP
        rest: int = self.current_frame.length - self.current_frame_masker.pointer() - len(self.data)
        return max(STEP, rest)

    def _go_on(self) -> None:
        self._awaits_turn = False
        if not self._is_cut:
            self._read()
            self._release()

    def _expect_time(self) -> None:
        """Closes a connection that has taken too much. What it still sends is dropped unread."""
        if self.budget.is_exhausted and not self._is_cut and self.state == self.STATE_OPEN:
            self._is_cut, self._arrived = True, b""
            if self._unread is not None:
                self._unread.forget()
            self.sendCloseFrame(code=CloseCode.RATE)
            self.transport.resumeProducing()

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
    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        if sync or chopsize or self.send_queue or self.logOctets or self.state != self.STATE_OPEN:
            super().sendData(data, sync, chopsize)
        else:
            self.transport.write(data)
            self.trafficStats.outgoingOctetsWireLevel += len(data)


class WebSocketFactory(StockFactory):
    protocol = Socket
