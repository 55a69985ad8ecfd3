"""Which pages may open a socket."""

from __future__ import annotations

import socket as sockets
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from liveview.socket.asgi import live_socket
from liveview.testing import LivePage
from liveview.tests.processes import served
from liveview.tests.server import HOST, Server

ORIGINS = {
    "none": [],
    "null": ["null"],
    "another host": ["http://evil.example:{port}"],
    "another port": ["http://127.0.0.1:{other}"],
    "another scheme": ["https://127.0.0.1:{port}"],
    "no port": ["http://127.0.0.1"],
    "a longer host": ["http://127.0.0.1.evil.example:{port}"],
    "a user": ["http://127.0.0.1:{port}@evil.example"],
    "a path": ["http://127.0.0.1:{port}/"],
    "a fragment": ["http://127.0.0.1:{port}#x"],
    "nothing": [""],
    "a file": ["file://"],
    "two": ["http://127.0.0.1:{port}", "http://evil.example"],
}


running = served(Server)


def handshake(server: Server, origins: list[str], host: str = "") -> int:
    """The status of the answer."""
    lines = ["GET /live/ HTTP/1.1", f"Host: {host or f'{HOST}:{server.port}'}", "Upgrade: websocket"]
    lines += ["Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    lines += [f"Origin: {origin.format(port=server.port, other=server.port + 1)}" for origin in origins]
    with sockets.create_connection((HOST, server.port), 30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(1000).split()[1])


def test_the_sites_own_pages_may_open_a_socket(running: Server) -> None:
    assert handshake(running, ["http://127.0.0.1:{port}"]) == 101


@pytest.mark.parametrize("origins", ORIGINS.values(), ids=ORIGINS)
def test_no_other_page_may(running: Server, origins: list[str]) -> None:
    assert handshake(running, origins) in (400, 403)


def test_a_host_that_is_not_ours_is_nobody(running: Server) -> None:
    assert handshake(running, ["http://evil.example"], host="evil.example") == 403


@pytest.mark.parametrize(
    ("origin", "trusted", "is_let_in"),
    [
        ("http://testserver", [], True), ("http://testserver:80", [], True), ("HTTP://TESTSERVER", [], False),
        ("https://testserver", [], False), ("https://other.example", ["https://other.example"], True),
        ("https://other.example:444", ["https://other.example"], False), ("http://testserver:0", [], False),
    ],
)  # fmt: skip
def test_trusted_origins_may(settings: Any, origin: str, trusted: list[str], is_let_in: bool) -> None:
    settings.CSRF_TRUSTED_ORIGINS = trusted
    page = LivePage("/bench/", origin=origin)
    page._headers = lambda: []  # type: ignore[method-assign]
    from liveview.socket.origins import is_allowed

    headers = [(b"host", b"testserver"), (b"origin", origin.encode())]
    scope = {"type": "websocket", "scheme": "ws", "path": "/live/", "query_string": b"", "headers": headers}

    assert is_allowed(scope) == is_let_in


@pytest.mark.parametrize(
    ("host", "origin", "said"),
    [
        (b"10.0.0.7", b"https://uplift.example", "ALLOWED_HOSTS"),
        (b"testserver", b"https://testserver", "'https://testserver', and this site is 'http://testserver' here"),
        (b"testserver", b"https://" + b"a" * 9000, "CSRF_TRUSTED_ORIGINS"),
        (b"testserver", b"", "Origin"),
    ],
)
async def test_the_log_says_why_a_page_of_ones_own_is_refused(
    settings: Any, caplog: pytest.LogCaptureFixture, host: bytes, origin: bytes, said: str
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    headers = [(b"host", host), *([(b"origin", origin)] if origin else [])]
    scope = {"type": "websocket", "scheme": "ws", "path": "/live/", "query_string": b"", "headers": headers}

    communicator = ApplicationCommunicator(live_socket, scope)
    await communicator.send_input({"type": "websocket.connect"})

    assert await communicator.receive_output(30) == {"type": "websocket.close"}
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert said in record.getMessage()
    assert len(record.getMessage()) < 700
