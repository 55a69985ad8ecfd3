"""HTTP/1.1 by hand, so that a request can be cut, stall, lie and dawdle."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
from dataclasses import dataclass
from email.message import Message
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """Its code."""
        return str(self.json.get("code", self.json["error"]))


class Wire:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), PATIENCE)
        self.port = port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.socket.close()

    def begin(self, method: str, path: str, headers: dict[str, str] | None = None) -> None:
        """Everything up to the body."""
        lines = [f"{method} {path} HTTP/1.1"]
        given = {"Host": f"{HOST}:{self.port}", **(headers or {})}
        lines += [f"{name}: {value}" for name, value in given.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_chunk(self, data: bytes) -> None:
        """One of a chunked body; the empty one ends it."""
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def answer(self, method: str = "GET") -> Answer:
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        return Answer(response.status, response.headers, response.read())

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        given = dict(headers or {})
        if (body or method in ("POST", "PATCH", "PUT")) and "Transfer-Encoding" not in given:
            given.setdefault("Content-Length", str(len(body)))
        self.begin(method, path, given)
        if body:
            with contextlib.suppress(OSError):  # refused before all of it was read: the answer is there
                self.send(body)
        return self.answer(method)

    def reset(self) -> None:
        """Goes away without a word, as a network does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
