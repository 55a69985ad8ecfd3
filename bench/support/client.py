"""A client without a browser that is faster than the server: it speaks our protocol and says what its socket says.

Its frames are masked with zeros, which costs it nothing and the server what any mask does.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, TypeAlias

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.typing import Origin
from websockets.uri import parse_uri

from liveview.tests.ports import HOST
from uploads.core import frames

PATIENCE: Final = 120.0  # seconds
SMALLEST: Final = 8192  # bytes of a frame

Message: TypeAlias = dict[str, Any]


class Socket:
    """A WebSocket. Text messages are queued as they come."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection((HOST, port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol = ClientProtocol(parse_uri(f"ws://{HOST}:{port}{path}"), origin=Origin(f"http://{HOST}:{port}"))
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._texts: list[str] = []
        self._part = b""
        while self._protocol.state.name == "CONNECTING":
            self._read()

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def send_text(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        self._flush()

    def send_binary(self, *parts: bytes | memoryview) -> None:
        """One message of these bytes; blocks while the network takes no more."""
        head = _head(sum(map(len, parts)))
        views = [memoryview(part) for part in (head, *parts)]
        while views:
            sent = self._socket.sendmsg(views)
            while views and sent >= len(views[0]):
                sent -= len(views.pop(0))
            if views:
                views[0] = views[0][sent:]

    def text(self) -> str:
        """The next text message, waited for."""
        while not self._texts:
            self._read()
        return self._texts.pop(0)

    def text_now(self) -> str | None:
        """The next text message if it has arrived."""
        while not self._texts and select.select([self._socket], [], [], 0)[0]:
            self._read()
        return self._texts.pop(0) if self._texts else None

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)

    def _read(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError("the server has closed the socket")
        self._protocol.receive_data(data)
        self._flush()  # pongs
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                self._part += event.data
                if event.fin:
                    self._texts.append(self._part.decode())
                    self._part = b""
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                raise ConnectionError(f"the server has closed the socket: {event.data!r}")


def _head(length: int) -> bytes:
    """Of a whole binary message, masked with zeros (RFC 6455, 5.2)."""
    if length < 126:
        return struct.pack(">BB4x", 0x82, 0x80 | length)
    if length < 65_536:
        return struct.pack(">BBH4x", 0x82, 0x80 | 126, length)
    return struct.pack(">BBQ4x", 0x82, 0x80 | 127, length)


class Visitor:
    """A mounted page of ours."""

    def __init__(self, port: int, url: str, *, ready: str = "upload_config") -> None:
        """`ready` is the type of the message that says that the page is."""
        self.socket = Socket(port, "/live/")
        self.credit = 0
        self.sent = 0
        self.max_frame = 0
        self._refs = itertools.count(1)
        self._send({"type": "mount", "protocol": 1, "url": url, "snapshot": None})
        self.mounted = self._until(lambda message: message["type"] == "mounted")
        if ready != "mounted":
            self._until(lambda message: message["type"] == ready)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.__exit__(None, None, None)

    def click(self) -> list[str]:
        """An event of the page; returns when it is answered, with all messages up to the answer."""
        ref = next(self._refs)
        self._send({"type": "event", "ref": ref, "name": "click", "params": {}})
        came: list[str] = []
        while True:
            came.append(self.socket.text())
            message = json.loads(came[-1])
            self._handle(message)
            if message["type"] == "ack" and message["ref"] == ref:
                return came

    def register(self, slot: str, name: str, size: int) -> int:
        """The channel of a file that may be sent now."""
        ref = f"bench-{next(self._refs)}"
        self._send({"type": "upload_register", "slot": slot, "ref": ref, "name": name, "size": size, "mime": ""})
        answer = self._until(lambda message: message.get("ref") == ref and message["type"] == "upload_registered")
        return int(answer["channel"])

    def send_file(self, channel: int, data: memoryview, rate: float = 0) -> None:
        """Every byte, as fast as credit comes back, in frames as long as the server takes them; or at most so many
        bytes a second, in frames of a twentieth of a second.
        """
        at, began = 0, time.monotonic()
        longest = max(SMALLEST, int(rate / 20)) if rate else self.max_frame
        while at < len(data):
            length = self._await_credit(min(len(data) - at + frames.HEADER_SIZE, longest))
            if rate:
                time.sleep(max(0.0, began - time.monotonic()))
                began = max(began, time.monotonic() - 0.1) + length / rate
            payload = data[at : at + length - frames.HEADER_SIZE]
            self.socket.send_binary(frames.encode(channel, at, b""), payload)
            self.sent += length
            at += len(payload)
            while (text := self.socket.text_now()) is not None:
                self._handle(json.loads(text))

    def _await_credit(self, length: int) -> int:
        """Bytes of the next frame: shorter than wished where there isn't as much credit, as browsers do it."""
        while self.sent + length > self.credit:
            if self.credit - self.sent >= SMALLEST:
                return self.credit - self.sent
            self._handle(json.loads(self.socket.text()))
        return length

    def wait_for(self, words: str) -> None:
        """Until the server has sent a message with these words in it."""
        self._until(lambda message: words in json.dumps(message))

    def _send(self, message: Message) -> None:
        self.socket.send_text(json.dumps(message))

    def _until(self, wanted: Callable[[Message], bool]) -> Message:
        while True:
            message: Message = json.loads(self.socket.text())
            self._handle(message)
            if wanted(message):
                return message

    def _handle(self, message: Message) -> None:
        match message["type"]:
            case "upload_config":
                self.credit, self.max_frame = message["credit"], message["max_frame"]
            case "upload_progress":
                self.credit = message["credit"]
            case "upload_error" | "error":
                raise RuntimeError(f"refused: {message}")
