"""An S3 that fails when told to: a proxy before the real one that looks at each request.

s3 = failing(ATTEMPTS=1)  # a fixture
with S3Faults(moto.url) as s3:
    s3.on("PUT", "partNumber=2", status(500), times=1)
    s3.on("POST", "uploads", reset)
    s3.on("PUT", "", gate)  # any callable: the request waits for it, then continues
    s3.count("POST", "uploads")
"""

from __future__ import annotations

import functools
import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from uploads.tests.moto import Moto

Fault = Callable[["Request"], None]


def failing(uploads: dict[str, Any] | None = None, **options: Any) -> Any:
    """A fixture: the S3 of the settings, behind such a proxy; more keys of `UPLOADS`, and of `UPLOADS["S3"]`."""

    @pytest.fixture
    def s3(s3: Moto, folders: Path, settings: Any) -> Iterator[S3Faults]:
        with S3Faults(s3.url) as faults:
            settings.UPLOADS = {**settings.UPLOADS, **(uploads or {}), "S3": {**s3.options(faults.url), **options}}
            yield faults

    return s3


@dataclass(slots=True)
class Rule:
    method: str
    part: str
    fault: Fault
    times: int | None


class S3Faults:
    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.seen: list[tuple[str, str]] = []  # method and path with its query
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), Request)
        self._server.faults = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> S3Faults:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def on(self, method: str, part: str, fault: Fault, times: int | None = None) -> None:
        """Requests of that method whose path and query have `part` in them get `fault`; the latest rule comes first."""
        with self._lock:
            self._rules.insert(0, Rule(method, part, fault, times))

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def count(self, method: str, part: str) -> int:
        return sum(method == seen and part in path for seen, path in list(self.seen))

    def fault_of(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.seen.append((method, path))
            for rule in self._rules:
                if rule.method == method and rule.part in path and rule.times != 0:
                    if rule.times is not None:
                        rule.times -= 1
                    return rule.fault
        return None


class Answered(Exception):
    """A fault has answered, or ended, the request."""


def status(code: int, word: str = "InternalError") -> Fault:
    """Answers with an error of S3, in which there are names that no visitor should read."""

    def fault(request: Request) -> None:
        text = f"arn:aws:iam::123456789012:user/secret is not allowed secret-bucket ({word})"
        request.answer(code, f"<Error><Code>{word}</Code><Message>{text}</Message></Error>".encode())
        raise Answered

    return fault


def reset(request: Request) -> None:
    """Reads all of it, and ends the connection with RST."""
    request.take()
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.close_connection = True
    request.connection.close()
    raise Answered


def away(request: Request) -> None:
    """Ends the connection with RST before any of the body is read."""
    request.take = lambda: b""
    reset(request)


def lose_answer(request: Request) -> None:
    """S3 does it, and nobody hears of it."""
    request.forward()
    reset(request)


def forget(request: Request) -> None:
    """S3 does it, but the answer is lost, and to boto3's next try it says that there is no such upload."""
    request.forward()
    status(404, "NoSuchUpload")(request)


class Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_any(self) -> None:
        self.take: Callable[[], bytes] = functools.cache(
            lambda: self.rfile.read(int(self.headers.get("Content-Length") or 0))
        )
        fault = self.server.faults.fault_of(self.command, self.path)
        try:
            if fault is not None:
                fault(self)
            code, headers, body = self.forward()
            self.answer(code, body, headers)
        except Answered:
            pass
        except OSError:  # either side is gone
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815

    @property
    def body(self) -> bytes:
        return self.take()

    def forward(self) -> tuple[int, list[tuple[str, str]], bytes]:
        link = http.client.HTTPConnection(self.server.faults.target, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            link.request(self.command, self.path, self.body, headers)
            answer = link.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            link.close()

    def answer(self, code: int, body: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        self.take()
        own = {"content-length", "connection", "transfer-encoding", "server", "date"}
        self.send_response(code)
        length = str(len(body))
        for name, value in headers or []:
            if name.lower() not in own:
                self.send_header(name, value)
            elif name.lower() == "content-length" and self.command == "HEAD":
                length = value
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    faults: S3Faults

    def handle_error(self, *_: Any) -> None:
        """A connection that a fault has closed."""
