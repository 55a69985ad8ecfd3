"""A client that says exactly what a test says, to be slow, greedy or gone in the middle."""

from __future__ import annotations

import hashlib
import json
import select
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from itertools import count
from typing import Any, NamedTuple

from liveview.tests.ports import HOST
from liveview.tests.processes import PATIENCE
from liveview.tests.server import Server

MB = 1_000_000
BLOCK = bytes(range(256)) * 256  # 64 KiB


class Laboratory(Server):
    application = "liveview.tests.project.lab:application"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection. Everything waits for PATIENCE at most."""

    def __init__(self, server: Server, source: str = "") -> None:
        self._socket = socket.create_connection((HOST, server.port), PATIENCE, (source, 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def start(self, method: str, path: str, *headers: str) -> None:
        """A request up to the end of its headers."""
        head = "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {HOST}", *headers, "", ""])
        self.send(head.encode(errors="surrogateescape"))

    def get(self, path: str) -> Answer:
        self.start("GET", path)
        return self.answer()

    def post(self, path: str, body: bytes, *headers: str) -> Answer:
        self.start("POST", path, f"Content-Length: {len(body)}", *headers)
        self.send(body)
        return self.answer()

    def answer(self) -> Answer:
        response = _Response(self._socket, self._reader)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())

    def line(self) -> bytes:
        return self._reader.readline()

    def read(self, size: int) -> bytes:
        return self._reader.read(size)

    def is_ended(self) -> bool:
        """Whether the server has closed, when everything was read. Waits for it."""
        return self._reader.read(1) == b""

    def is_cut(self) -> bool:
        """Reads to the end, which may be a reset."""
        try:
            while self._reader.read(65_536):
                pass
        except ConnectionResetError:
            pass
        return True

    def has_something(self, within: float) -> bool:
        """Whether something to be read (or the end) comes within so many seconds."""
        return bool(select.select([self._socket], [], [], within)[0])

    def sends(self, blocks: Iterator[bytes], patience: float) -> int:
        """Sends until the other side takes no more for `patience` seconds, or there is no more. Returns the bytes.

        What was taken of the last block only in part is sent before anything else by `finish`.
        """
        self._rest, total = b"", 0
        self._socket.settimeout(patience)
        try:
            for block in blocks:
                left = memoryview(block)
                while left:
                    try:
                        done = self._socket.send(left)
                    except TimeoutError:
                        self._rest = bytes(left)
                        return total
                    total += done
                    left = left[done:]
            return total
        finally:
            self._socket.settimeout(PATIENCE)

    def finish(self, blocks: Iterator[bytes]) -> None:
        """Sends the rest of what `sends` could not."""
        self.send(self._rest)
        for block in blocks:
            self.send(block)


class _Response(HTTPResponse):
    """Reads from a stream that goes on after it."""

    def __init__(self, connection: socket.socket, reader: Any) -> None:
        super().__init__(connection)
        self.fp.close()
        self.fp = _Lent(reader)  # type: ignore[assignment]


class _Lent:
    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def close(self) -> None:
        """Is somebody else's to do."""

    def flush(self) -> None:
        """Nothing is written to it."""


def blocks(size: int) -> Iterator[bytes]:
    """`size` bytes, in blocks that all differ."""
    for number in count():
        if size <= 0:
            return
        block = number.to_bytes(8, "big") + BLOCK[8:]
        yield block[:size]
        size -= len(block)


def sha256(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def ask(server: Server, path: str) -> Any:
    """The JSON at `path`, by a connection of its own."""
    with Wire(server) as wire:
        return wire.get(path).json
