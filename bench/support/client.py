"""A client without a browser that is faster than the server: it speaks our protocol and says what its socket says.

Its frames are masked with zeros, which costs it nothing and the server what any mask does.

Every wait ends after `PATIENCE` seconds, whatever arrives meanwhile, and says what it waited for.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, TypeAlias

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from liveview.tests.ports import HOST
from uploads.core import frames

PATIENCE: Final = 120.0  # seconds
REMEMBERED: Final = 100  # messages that came while something else was waited for
SMALLEST: Final = 8192  # bytes of a frame
AGAIN: Final = 0.5  # seconds after which an upload is asked for again that somebody else has still

HANDSHAKE: Final = {  # RFC 6455, 4.1, with the key of its 1.3
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}

Message: TypeAlias = dict[str, Any]


class Wait:
    """What is waited for, and until when."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._patience = PATIENCE
        self._until = time.monotonic() + PATIENCE

    def left(self) -> float:
        """Seconds. Raises `TimeoutError` when there are none."""
        if (left := self._until - time.monotonic()) <= 0:
            raise TimeoutError(f"waited {self._patience:g} s in vain for {self._what}")
        return left


class Socket:
    """A WebSocket. Text messages are queued as they come."""

    def __init__(self, port: int, path: str, cookie: str = "", source: str = "") -> None:
        self._socket = socket.create_connection((HOST, port), PATIENCE, (source, 0) if source else None)
        self._arrivals = select.poll()  # select() knows no more than 1024 files
        self._arrivals.register(self._socket, select.POLLIN)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol = Protocol(Side.CLIENT, state=State.OPEN)
        self._texts: list[str] = []
        self.received = 0  # bytes of text messages
        self._part = b""
        try:
            self._shake_hands(port, path, cookie)
        except BaseException:
            self._socket.close()
            raise

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

    def text(self, wait: Wait | None = None) -> str:
        """The next text message, waited for. Raises `TimeoutError`."""
        wait = wait or Wait("a message")
        while not self._texts:
            self._read(wait)
        return self._texts.pop(0)

    def text_now(self) -> str | None:
        """The next text message if it has arrived."""
        wait = Wait("what has arrived")
        while not self._texts and self._arrivals.poll(0):
            self._read(wait)
        return self._texts.pop(0) if self._texts else None

    def _shake_hands(self, port: int, path: str, cookie: str) -> None:
        """Without the library, whose handshake costs more than all that follows."""
        fields = {**HANDSHAKE, "Host": f"{HOST}:{port}", "Origin": f"http://{HOST}:{port}"}
        if cookie:
            fields["Cookie"] = cookie
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        wait, answer = Wait(f"the handshake of {path}"), b""
        while b"\r\n\r\n" not in answer:
            answer += self._arrived(wait)
        head, _, rest = answer.partition(b"\r\n\r\n")
        status = head.partition(b"\r\n")[0]
        if status.split()[1:2] != [b"101"]:
            raise ConnectionError(f"no socket at {path}: {status!r}")
        self._take(rest)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)

    def _read(self, wait: Wait) -> None:
        self._take(self._arrived(wait))

    def _arrived(self, wait: Wait) -> bytes:
        while not self._arrivals.poll(wait.left() * 1000):
            pass
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError("the server has closed the socket")
        return data

    def _take(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._flush()  # pongs
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                self._part += event.data
                if event.fin:
                    self.received += len(self._part)
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

    def __init__(
        self, port: int, url: str, *, ready: str = "upload_config", cookie: str = "", source: str = ""
    ) -> None:
        """`ready` is the type of the message that says that the page is; `source` is the address to come from."""
        self.socket = Socket(port, "/live/", cookie, source)
        self.upload_id = ""  # of the last file that was registered
        self.credit = 0
        self.sent = 0
        self.max_frame = 0
        self.min_frame = 0  # while the server is busy
        self._refs = itertools.count(1)
        self._unread: deque[Message] = deque(maxlen=REMEMBERED)
        try:
            self._send({"type": "mount", "protocol": 1, "url": url, "snapshot": None})
            self.mounted = self._until("mounted", lambda message: message["type"] == "mounted")
            if ready != "mounted":
                self._until(ready, lambda message: message["type"] == ready)
        except BaseException:
            self.socket.__exit__(None, None, None)
            raise

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.__exit__(None, None, None)

    def click(self) -> list[str]:
        return self.event("click")

    def event(self, name: str, **params: Any) -> list[str]:
        """An event of the page; returns when it is answered, with all messages up to the answer."""
        ref = next(self._refs)
        self._send({"type": "event", "ref": ref, "name": name, "params": params})
        came: list[str] = []
        wait = Wait(f"the answer to event {ref}")
        while True:
            came.append(self.socket.text(wait))
            message = json.loads(came[-1])
            self._handle(message)
            if message["type"] == "ack" and message["ref"] == ref:
                return came

    def register(self, slot: str, name: str, size: int) -> int:
        """The channel of a file that may be sent now."""
        ref = f"bench-{next(self._refs)}"
        asked = {"type": "upload_register", "slot": slot, "ref": ref, "name": name, "size": size, "mime": ""}
        answer = self._ask(asked, "upload_registered")
        self.upload_id = str(answer["upload_id"])
        return int(answer["channel"])

    def register_directly(self, slot: str, name: str, size: int) -> tuple[str, dict[str, Any]]:
        """The ref of a file that goes elsewhere, and the grant with which it does."""
        ref = f"bench-{next(self._refs)}"
        asked = {"type": "upload_register", "slot": slot, "ref": ref, "name": name, "size": size, "mime": ""}
        return ref, self._ask(asked, "upload_registered")["external"]

    def sign(self, ref: str, parts: Sequence[int]) -> dict[str, Any]:
        """A grant for more parts of it."""
        external: dict[str, Any] = self._ask({"type": "upload_sign", "ref": ref, "parts": parts}, "upload_signed")[
            "external"
        ]
        return external

    def done(self, ref: str) -> None:
        """All of it is there."""
        self._send({"type": "upload_external_done", "ref": ref})

    def resume(self, slot: str, upload_id: str, size: int) -> tuple[int, int]:
        """The channel of a file that another socket has begun, and the offset from which it goes on; waited for."""
        ref = f"bench-{next(self._refs)}"
        asked = {"type": "upload_resume", "slot": slot, "ref": ref, "upload_id": upload_id, "size": size}
        wait = Wait(f"whoever holds the upload {upload_id}")
        while not (answer := self._ask({**asked, "offset": 0, "holder": "bench"}, "upload_resume_ack"))["accepted"]:
            if answer["code"] != "locked":
                raise RuntimeError(f"not resumed: {answer}")
            time.sleep(min(AGAIN, wait.left()))
        return int(answer["channel"]), int(answer["offset"])

    def listen(self) -> None:
        """Takes what has arrived, and answers pings."""
        while (text := self.socket.text_now()) is not None:
            message: Message = json.loads(text)
            self._handle(message)
            self._remember(message)

    def send_file(self, channel: int, data: memoryview, rate: float = 0, start: int = 0) -> None:
        """Every byte, as fast as credit comes back, in frames as long as the server takes them; or at most so many
        bytes a second, in frames of a twentieth of a second, or longer ones while the server is busy.
        """
        at, began = start, time.monotonic()
        while at < len(data):
            longest = max(SMALLEST, int(rate / 20), self.min_frame) if rate else self.max_frame
            length = self._await_credit(min(len(data) - at + frames.HEADER_SIZE, longest))
            if rate:
                time.sleep(max(0.0, began - time.monotonic()))
                began = max(began, time.monotonic() - 0.1) + length / rate
            payload = data[at : at + length - frames.HEADER_SIZE]
            self.socket.send_binary(frames.encode(channel, at, b""), payload)
            self.sent += length
            at += len(payload)
            self.listen()

    def _await_credit(self, length: int) -> int:
        """Bytes of the next frame: shorter than wished where there isn't as much credit, as browsers do it."""
        if self.sent + length <= self.credit:
            return length
        wait = Wait("credit")
        while self.sent + length > self.credit:
            if self.credit - self.sent >= SMALLEST:
                return self.credit - self.sent
            message: Message = json.loads(self.socket.text(wait))
            self._handle(message)
            self._remember(message)
        return length

    def wait_for(self, words: str) -> None:
        """Until the server has sent a message with these words in it, be it while a file was sent."""
        while self._unread:
            if words in json.dumps(self._unread.popleft()):
                return
        self._until(f"a message with {words!r}", lambda message: words in json.dumps(message))

    def _send(self, message: Message) -> None:
        self.socket.send_text(json.dumps(message))

    def _ask(self, asked: Message, kind: str) -> Message:
        """The answer, which has the same ref."""
        self._send(asked)
        ref = asked["ref"]
        return self._until(f"{kind} of {ref}", lambda message: message["type"] == kind and message["ref"] == ref)

    def _until(self, what: str, wanted: Callable[[Message], bool]) -> Message:
        wait = Wait(what)
        while True:
            message: Message = json.loads(self.socket.text(wait))
            self._handle(message)
            if wanted(message):
                return message

    def _remember(self, message: Message) -> None:
        """Somebody may wait for it yet; progress, of which there is most, nobody does."""
        if message["type"] != "upload_progress":
            self._unread.append(message)

    def _handle(self, message: Message) -> None:
        match message["type"]:
            case "upload_config":
                self.credit, self.max_frame = message["credit"], message["max_frame"]
            case "upload_progress":
                self.credit, self.min_frame = message["credit"], message.get("min_frame", 0)
            case "upload_error" | "error":
                raise RuntimeError(f"refused: {message}")
