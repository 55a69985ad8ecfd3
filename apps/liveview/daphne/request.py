"""A request whose application starts once its headers are in, and gets the body while it arrives.

Stock daphne starts the application when Twisted has the whole body, and queues all of it at once. Names in camel case
are Twisted's, `process` and `handle_reply` daphne's, which call them.
"""

from __future__ import annotations

import io
import time
from typing import Any, Final
from urllib.parse import unquote

from daphne import server as _installs_the_reactor  # noqa: F401  (before anything of Twisted's imports another one)
from daphne.http_protocol import HTTPFactory as StockFactory
from daphne.http_protocol import WebRequest
from twisted.web import http

from liveview.conf import conf
from liveview.core.addresses import network_of
from liveview.core.pace import Pace
from liveview.core.time_budget import TimeBudget
from liveview.daphne import forwarded
from liveview.daphne.accounts import Accounts, Payer, payer_of, session_of
from liveview.daphne.channel import Channel
from liveview.daphne.receive_queue import Message, ReceiveQueue
from liveview.daphne.turns import Metered, turn
from liveview.process import here
from liveview.refusals import BAD_REQUEST, TOO_COSTLY, TOO_LARGE, TOO_SLOW, Refusal, language_of

MAX_UNREAD: Final = 1024 * 1024  # bytes of a body that wait for the application before the sender has to


class Request(WebRequest):
    """`is_complete` when its body is. One without a body is handled as by stock daphne."""

    channel: Any
    uri: Any
    metered: Metered[Any]
    payer: Payer
    is_complete = True
    awaits_continue = False  # the client sends its body only when asked to (RFC 9110 §10.1.1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parsePOSTFormSubmission = False  # nothing reads the forms that Twisted would parse
        self.budget = TimeBudget(conf().loop_seconds)  # its own: on one connection, a proxy sends for many visitors
        self._received = 0
        self._unread: ReceiveQueue | None = None
        self._pace_due: Any = None

    @property
    def is_streamed(self) -> bool:
        return not self.is_complete

    # The body
    def gotLength(self, length: int | None) -> None:
        if length == 0:
            super().gotLength(length)
            return
        self.is_complete = False
        self.content = io.BytesIO()
        self.method, self.uri, self.clientproto = self.channel._command, self.channel._path, self.channel._version
        self.path, self.args = self.uri.partition(b"?")[0], {}
        self._most = self.server.caps.of(unquote(self.path.decode("ascii", "replace")))
        if length is not None and length > self._most:
            self.refuse(TOO_LARGE)
        elif b"websocket" in (self.getHeader(b"upgrade") or b"").lower():
            self.refuse(BAD_REQUEST)
        else:
            self._start()

    def _start(self) -> None:
        self.process()  # makes no queue for a streamed body, so that daphne puts nothing into it
        self.application_queue = self._unread
        if self._unread is not None and not self.finished:
            self._pace = Pace(self.server.conf.body_pace)
            self._pace_due = self.channel.callLater(self._pace.period, self._judge_pace)

    def process(self) -> Any:
        believed = (self.server.proxy_forwarded_address_header or "").encode()
        forwarded.settle(self.requestHeaders, believed, self.server.conf.proxies)
        if not believed and self.requestHeaders.hasHeader(b"X-Forwarded-For"):
            self.server.warn_of_proxy(self.channel.network)
        if self.channel.payer is None:
            told = network_of((self.getHeader(believed) or b"").decode("latin-1")) if believed else ""
            self.channel.payer = payer_of(told or self.channel.network, session_of(self.getHeader(b"cookie") or b""))
        self.payer = self.server.entering = self.channel.payer
        result = super().process()
        if self.transport is None:  # it has become a WebSocket
            self.server.channels.pop(self.channel, None)
        return result

    def opened(self) -> ReceiveQueue:
        """The queue for its application."""
        self._unread = ReceiveQueue(MAX_UNREAD, self._hold, self._release)
        return self._unread

    async def receive(self) -> Message:
        """What the application awaits when the body is streamed."""
        assert self._unread is not None
        if self.awaits_continue:
            self.awaits_continue = False
            if not self.finished and not self.startedWriting and self.channel is not None and not self.is_complete:
                self.channel.send_continue()
        self.metered.settle()
        await turn(self.budget)
        message = await self._unread.get()
        self.metered.given(len(message.get("body") or b""))
        return message

    def needs_turn(self) -> bool:
        """Whether more of the body has to wait. Refuses one that has cost too much."""
        if self.budget.is_exhausted and not self.finished:
            self.refuse(TOO_COSTLY)
        return not self.finished and self.budget.needs_turn

    def handleContentChunk(self, data: bytes) -> None:
        if self.finished or self._unread is None:
            return
        self._received += len(data)
        if self._received > self._most:
            self.refuse(TOO_LARGE)
        else:
            self._pace.received(len(data))
            self._unread.put_nowait({"type": "http.request", "body": data, "more_body": True})

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self.is_complete:
            super().requestReceived(command, path, version)
            return
        self.is_complete = True
        self.request_start = time.time()  # from here on it is the application that takes time
        self._stop_pace()
        if self._unread is not None and not self.finished:
            self._unread.end_body()

    # The answer
    def handle_reply(self, message: Message) -> None:
        is_start = message.get("type") == "http.response.start"
        if is_start and not self.finished and self.channel is not None and not self.is_complete:
            self.channel.persistent = False  # there is no telling where the next request begins
        super().handle_reply(message)
        if is_start and not self.finished and self.channel is not None and not self.channel.persistent:
            self.responseHeaders.setRawHeaders(b"Connection", [b"close"])

    def refuse(self, refusal: Refusal) -> None:
        """Answers in the application's place. To the application, the client has disconnected."""
        self.channel.persistent = False
        if self._response_started:
            self.channel.transport.abortConnection()
            return
        accept, *asked = (self.getHeader(name) or b"" for name in (b"accept", b"accept-language", b"cookie"))
        for message in refusal.answer(accept.decode("latin-1"), language_of(*asked)):
            self.handle_reply(message)

    async def drained(self) -> None:
        """Returns when what was sent has left this process, or never will."""
        if not self.finished and self.channel is not None:
            await self.channel.drained.wait()

    def check_timeouts(self) -> None:
        """`--http-timeout` is for the application, after the body."""
        if self.is_complete:
            super().check_timeouts()

    def finish(self) -> None:
        self._stop_pace()
        super().finish()

    def connectionLost(self, reason: Any) -> None:
        self._stop_pace()
        super().connectionLost(reason)

    # Back-pressure
    def _hold(self) -> None:
        if self._is_reading():
            self._pace.had_to_wait()
            self.channel.hold()

    def _release(self) -> None:
        if not self.finished and self.channel is not None:
            self.channel.release()

    def _is_reading(self) -> bool:
        return not self.finished and self.channel is not None and not self.is_complete

    def _judge_pace(self) -> None:
        waits_now = self.awaits_continue or (self._unread is not None and self._unread.holds)
        if self._pace.is_too_slow(waits_now=waits_now):
            self._pace_due = None
            self.refuse(TOO_SLOW)
        else:
            self._pace_due = self.channel.callLater(self._pace.period, self._judge_pace)

    def _stop_pace(self) -> None:
        if self._pace_due is not None and self._pace_due.active():
            self._pace_due.cancel()


class HTTPFactory(StockFactory):
    def protocol(self) -> Any:
        return http._GenericHTTPChannelProtocol(Channel())

    def buildProtocol(self, addr: Any) -> Any:
        if here(Accounts).is_closed(network_of(getattr(addr, "host", ""))):
            return None
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = Request
        return protocol

    def acceptableProtocols(self) -> list[bytes]:
        """Without HTTP/2, whose streams aren't channels."""
        return [b"http/1.1"]
