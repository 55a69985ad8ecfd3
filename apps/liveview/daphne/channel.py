"""An HTTP connection: when it reads, how long it may take, what it may cost, and how it is closed.

Names in camel case are Twisted's, which calls them.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from daphne import server as _installs_the_reactor  # noqa: F401  (before anything of Twisted's imports another one)
from twisted.internet import tcp
from twisted.internet.error import ConnectionAborted
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http

from liveview.core.addresses import network_of
from liveview.daphne.accounts import Payer, payer_of, session_of
from liveview.daphne.turns import Turns
from liveview.process import here
from liveview.refusals import TOO_BUSY

BUFFER: Final = 256 * 1024  # bytes per read, and above which writing has to wait; Twisted's 64 KiB cost a third more
LINGER_BYTES: Final = 64 * 1024 * 1024  # of a refused body, read and discarded so that its sender sees the answer
LINGER_SECONDS: Final = 10.0
ACCEPTED: Final = 0.0002  # seconds that a connection costs before it says anything
END_OF_HEAD: Final = b"\r\n\r\n"
STEP: Final = 8 * 1024  # bytes of a body in chunks that are read between two looks at the clock


class Channel(http.HTTPChannel):
    """Reads only what is consumed. `hold` and `release` are the application's switch; Twisted has its own.

    `drained` is set while nothing that was sent is still in this process.
    """

    transport: Any
    _networkProducer: Any

    def __init__(self) -> None:
        super().__init__()
        self.drained = asyncio.Event()
        self.drained.set()
        self.is_lingering = False
        self.network = ""
        self._is_held = False
        self._arrived = b""  # and isn't read yet
        self._awaits_turn = False
        self.payer: Payer | None = None  # of the request that is arriving, or under way
        self._arrives: asyncio.Task[None] | None = None
        self._is_cut = False  # the rest of this request's body won't be read
        self._awaits_headers = True
        self._headers_due: Any = None
        self._linger_ends: Any = None
        self._dropped = 0

    @property
    def is_idle(self) -> bool:
        return self._awaits_headers and not self.requests

    # What is read, and when
    def hold(self) -> None:
        self._is_held = True
        self._networkProducer.pauseProducing()

    def release(self) -> None:
        self._is_held = False
        if not self._waitingForTransport and not self._awaits_turn:
            self._networkProducer.resumeProducing()

    def pauseProducing(self) -> None:
        self.drained.clear()
        super().pauseProducing()

    def resumeProducing(self) -> None:
        self.drained.set()
        super().resumeProducing()
        if self._is_held or self._awaits_turn:
            self._networkProducer.pauseProducing()

    # From the first byte to the last
    def connectionMade(self) -> None:
        self.transport.bufferSize = BUFFER
        super().connectionMade()
        self.network = network_of(getattr(self.transport.getPeer(), "host", ""))
        payer_of(self.network, "").charge(ACCEPTED)
        self.factory.server.channels[self] = None
        self.factory.server.make_room(self)

    def dataReceived(self, data: bytes) -> None:
        if self._awaits_headers and self._headers_due is None:
            self._headers_due = self.callLater(self.factory.server.conf.header_seconds, self._headers_never_end)
        self._arrived += data
        if not self._awaits_turn:
            self._read()

    def _read(self) -> None:
        """A body in chunks is read a little at a time, and in turns once it takes too long: a chunk may be a byte."""
        while self._arrived:
            if not self._may_begin():
                self._await_turn()
                self._arrives = asyncio.ensure_future(self._arrive())
                return
            request = self._chunked_request()
            size = STEP if request is not None else self._head() or len(self._arrived)
            if request is not None and request.needs_turn():
                self._await_turn()
                here(Turns).ask(request.budget, self._go_on)
                return
            piece, self._arrived = self._arrived[:size], self._arrived[size:]
            began, since = time.thread_time(), time.monotonic()
            payer = self.payer
            super().dataReceived(piece)
            used, kept = time.thread_time() - began, time.monotonic() - since
            if (payer := payer or self.payer) is not None:
                payer.charge(used, kept=kept)
            if request is not None:
                request.budget.charge(used, len(piece), kept)

    def _head(self) -> int:
        """The length of a request's head, if all of it is here and nothing has been read of it: what follows may be a
        body in chunks, which is read in steps."""
        end = self._arrived.find(END_OF_HEAD) if self.is_idle else -1
        return end + len(END_OF_HEAD) if end >= 0 else 0

    def _may_begin(self) -> bool:
        """Whether what has arrived may be read. The beginning of a request is what its address is charged for; behind
        a proxy that says for whom it asks, the request knows that address only once it is read."""
        if not self.is_idle or self.factory.server.proxy_forwarded_address_header:
            return True
        if self.payer is None:
            self.payer = payer_of(self.network, session_of(self._arrived))
        return not self.payer.needs_turn

    async def _arrive(self) -> None:
        assert self.payer is not None
        if await self.payer.turn():
            self._go_on()
        else:
            self._turn_away()

    def _turn_away(self) -> None:
        """An answer to a request that hasn't been read."""
        start, body = TOO_BUSY.answer("text/html" if b"text/html" in self._arrived else "")
        lines = [b"HTTP/1.1 429 Too Many Requests", *(name + b": " + value for name, value in start["headers"])]
        self.transport.write(b"\r\n".join([*lines, b"", body["body"]]))
        self._arrived = b""
        self.transport.loseConnection()

    def _await_turn(self) -> None:
        self._awaits_turn = True
        self._networkProducer.pauseProducing()

    def _chunked_request(self) -> Any:
        """The request whose body is arriving in chunks; None if there is no such."""
        request = self.requests[-1] if self.requests else None
        is_chunked = request is not None and not request.is_complete and not self.is_lingering and self.length is None
        return request if is_chunked else None

    def _go_on(self) -> None:
        self._awaits_turn = False
        if self.transport is not None:
            self._read()
            if not self._awaits_turn and not self._is_held and not self._waitingForTransport:
                self._networkProducer.resumeProducing()

    def allHeadersReceived(self) -> None:
        self._awaits_headers = False
        self._stop_waiting_for_headers()
        super().allHeadersReceived()
        if self.length != 0:
            self.setTimeout(None)  # from here on the body's pace counts; it may be us who are slow

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        return super().checkPersistence(request, version) and not self.factory.server.is_stopping

    def _send100Continue(self) -> None:
        """Left to the request, which sends it when its application wants the body."""
        if self.requests:
            self.requests[-1].awaits_continue = True

    def send_continue(self) -> None:
        super()._send100Continue()

    def rawDataReceived(self, data: bytes) -> None:
        if not self.is_lingering:
            super().rawDataReceived(data)
            return
        self._dropped += len(data)
        if self._dropped > LINGER_BYTES:
            self.transport.loseConnection()

    def allContentReceived(self) -> None:
        if not self._is_cut:
            super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        self._is_held = False
        self._is_cut = not request.is_complete
        if self._is_cut:
            self.persistent = False
        self._awaits_headers = not self._is_cut
        self._savedTimeOut = self.timeOut
        self.payer = None
        super().requestDone(request)  # may start the next request, if it has already arrived

    # The end
    def make_way(self) -> None:
        """Closes at once, not when the loop comes round: the connection that is being accepted needs the file."""
        if isinstance(self.transport, tcp.Connection):
            self.transport.connectionLost(Failure(ConnectionAborted()))
        else:
            self.transport.abortConnection()

    def retire(self) -> None:
        """No more requests on this connection."""
        self.persistent = False
        if self.is_idle:
            self.loseConnection()

    def loseConnection(self) -> None:
        if not self._is_cut or self.isSecure():
            super().loseConnection()
        elif not self.is_lingering:
            self._linger()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self._stop_waiting_for_headers()
        if self._linger_ends is not None and self._linger_ends.active():
            self._linger_ends.cancel()
        self.factory.server.channels.pop(self, None)
        if self._arrives is not None:
            self._arrives.cancel()
        self.drained.set()
        self._arrived = b""  # nobody is left to read it for, when it is this connection's turn
        super().connectionLost(reason)

    def _stop_waiting_for_headers(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def _headers_never_end(self) -> None:
        self._headers_due = None
        self.timeoutConnection()

    def _linger(self) -> None:
        """Closes our side only. Closing while unread bytes arrive resets the connection, and the client may never see
        the answer (RFC 9112 §9.6)."""
        self.is_lingering = True
        self._networkProducer.unregisterProducer()
        self.drained.set()
        self.transport.loseWriteConnection()
        self._networkProducer.resumeProducing()
        self._linger_ends = self.callLater(LINGER_SECONDS, self.transport.abortConnection)
