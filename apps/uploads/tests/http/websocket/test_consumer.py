"""The bare WebSocket of the seeds: its contract, and its bounds. (Seed: seeds/003.)"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from uploads import intakes
from uploads.http.websocket import consumer
from uploads.tests.http.ways.raw import HOST, PATIENCE
from uploads.tests.http.ways.server import Server, hashes
from uploads.tests.support import until

DATA = random.Random(6).randbytes(300_000)
DONE = "File uploaded successfully!"

Open = Callable[..., ClientConnection]


@pytest.fixture
def socket(server: Server) -> Iterator[Open]:
    with ExitStack() as stack:

        def open_socket(query: str = "", origin: str | None = server.url, cookie: str = "") -> ClientConnection:
            address = f"ws://{HOST}:{server.port}/ws/upload/{query}"
            headers = {"Cookie": cookie} if cookie else {}
            return stack.enter_context(
                connect(
                    address,
                    origin=origin,  # type: ignore[arg-type]  # a NewType of str
                    additional_headers=headers,
                    proxy=None,
                    open_timeout=PATIENCE,
                )
            )

        yield open_socket


def read(connection: ClientConnection) -> Any:
    message = connection.recv(PATIENCE)
    return message if message == DONE else json.loads(message)


def close_code(connection: ClientConnection) -> int:
    try:
        while True:
            connection.recv(PATIENCE)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


@pytest.mark.parametrize("message", ["Grüße 🎬\n" * 1000, DATA])
def test_a_message_is_a_file(server: Server, socket: Open, message: str | bytes) -> None:
    data = message.encode() if isinstance(message, str) else message
    name = f"{type(message).__name__}.dat"
    connection = socket(f"?name={name}")

    connection.send(message)

    assert read(connection) == {"received": len(data), "size": len(data)}
    assert read(connection) == DONE
    assert hashes(server, name) == [hashlib.sha256(data).hexdigest()]


def test_a_socket_takes_one_file_after_the_other(server: Server, socket: Open) -> None:
    connection = socket("?name=several.dat")
    for text in ("one", "two", "three"):
        connection.send(text)
        assert [read(connection)["received"], read(connection)] == [len(text), DONE]

    assert len(hashes(server, "several.dat")) == 3


def test_the_pieces_of_an_announced_file_are_put_together_with_progress(server: Server, socket: Open) -> None:
    connection = socket(f"?name=pieces.dat&size={len(DATA)}")
    for start in range(0, len(DATA), 100_000):
        connection.send(DATA[start : start + 100_000])

    assert [read(connection)["received"] for _ in range(3)] == [100_000, 200_000, 300_000]
    assert read(connection) == DONE
    assert hashes(server, "pieces.dat") == [hashlib.sha256(DATA).hexdigest()]


def test_a_few_small_pieces_are_taken(server: Server, socket: Open) -> None:
    connection = socket("?name=crumbs.dat&size=20")
    for start in range(0, 20, 2):
        connection.send(DATA[start : start + 2])
        assert read(connection)["received"] == start + 2

    assert read(connection) == DONE
    assert hashes(server, "crumbs.dat") == [hashlib.sha256(DATA[:20]).hexdigest()]


@pytest.mark.parametrize("piece", [b"", b"x", "", DATA[:1023]])
def test_a_flood_of_small_pieces_ends_the_socket(server: Server, socket: Open, piece: bytes | str) -> None:
    """Each costs an answer, whatever it holds."""
    connection = socket("?name=crumbs.dat&size=16000000")
    with pytest.raises(ConnectionClosed):
        for _ in range(5_000):
            connection.send(piece)
            assert read(connection).get("error") in (None, "rate_limited")

    assert close_code(connection) == 4429
    until(lambda: server.staged() == [])


class Clock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize("query", [b"", b"name=a.dat&size=5"])
async def test_messages_that_hold_nothing_keep_no_socket_open(
    settings: Any, folders: Any, monkeypatch: pytest.MonkeyPatch, query: bytes
) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.UPLOADS = {**settings.UPLOADS, "INTAKE": "silent"}
    intakes.register("silent", receive=lambda entry, owner: None)
    clock, told = Clock(), []
    messages = [{"type": "websocket.connect"}, *(3 * [{"type": "websocket.receive", "bytes": b""}])]

    async def receive() -> dict[str, Any]:
        clock.now += consumer.IDLE / 3
        if not messages:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 5)
            return {"type": "websocket.disconnect"}
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    monkeypatch.setattr(consumer, "time", clock)
    headers = [(b"host", b"shop.example"), (b"origin", b"http://shop.example")]
    scope = {"type": "websocket", "path": "/ws/upload/", "query_string": query, "headers": headers}
    try:
        await consumer.FileUploadConsumer.as_asgi()(scope, receive, send)
    finally:
        intakes.unregister("silent")

    assert told[-1] == {"type": "websocket.close", "code": 4408}


def test_a_name_without_a_socket_is_made_up(server: Server, socket: Open) -> None:
    connection = socket()
    connection.send("text")
    assert [read(connection)["size"], read(connection)] == [4, DONE]

    assert hashes(server, "upload.txt")


def test_a_file_belongs_to_its_visitor(server: Server, socket: Open) -> None:
    connection = socket("?name=mine.dat", cookie=server.cookie("/enter/?name=ada"))
    connection.send("mine")
    read(connection), read(connection)

    assert [facts["owner"].partition(":")[0] for facts in server.kept() if facts["name"] == "mine.dat"] == ["user"]


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1"])
def test_another_sites_page_gets_no_socket(socket: Open, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        socket(origin=origin)

    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/ws/upload/", "/live/"])
def test_no_socket_is_compressed(server: Server, path: str) -> None:
    """A few bytes on the wire could stand for gigabytes in memory."""
    address = f"ws://{HOST}:{server.port}{path}"
    with connect(address, origin=server.url, proxy=None, open_timeout=PATIENCE) as connection:  # type: ignore[arg-type]
        assert connection.response is not None
        assert "permessage-deflate" in connection.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in connection.response.headers


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?name=a.exe&size=5", "bad_ext"),
        ("?name=a.svg&size=5", "bad_ext"),
        ("?name=a.dat&size=-5", "bad_header"),
        ("?name=a.dat&size=five", "bad_header"),
        ("?name=a.dat&size=16000001", "too_large"),
        ("?name=a.dat&size=", "bad_header"),
    ],
)
def test_a_file_that_is_not_taken_ends_the_socket(server: Server, socket: Open, query: str, code: str) -> None:
    connection = socket(query)

    assert read(connection)["error"] == code
    assert close_code(connection) == 4400
    assert server.staged() == []


def test_more_bytes_than_announced_end_the_socket(server: Server, socket: Open) -> None:
    connection = socket("?name=more.dat&size=5")
    connection.send("hello, what a surprise")

    assert read(connection)["error"] == "size_mismatch"
    assert close_code(connection) == 4400
    assert server.staged() == []
    assert hashes(server, "more.dat") == []


def test_a_file_that_is_refused_does_not_keep_the_next_one_away(server: Server, socket: Open) -> None:
    connection = socket("?name=next.png")
    connection.send(b"MZ" + DATA[:1000])
    assert read(connection)["error"] == "type_mismatch"

    connection.send(b"MZ")

    assert "error" in read(connection)
    assert server.staged() == []


def test_who_leaves_in_the_middle_leaves_nothing(server: Server, socket: Open) -> None:
    connection = socket(f"?name=left.dat&size={len(DATA)}")
    connection.send(DATA[:1000])
    assert read(connection)["received"] == 1000
    assert server.staged() != []
    connection.close()

    until(lambda: server.staged() == [])
    assert hashes(server, "left.dat") == []


def test_a_visitor_has_so_many_sockets_and_no_more(server: Server, socket: Open) -> None:
    cookie = server.cookie("/enter/?name=greedy")
    for _ in range(20):
        socket(cookie=cookie)

    assert close_code(socket(cookie=cookie)) == 4429
    assert socket(cookie=server.cookie()).ping()


def test_a_flood_of_files_ends_the_socket(socket: Open) -> None:
    connection = socket("?name=flood.dat")
    with pytest.raises(ConnectionClosed):
        for _ in range(10_000):
            connection.send("x")
            connection.recv(PATIENCE), connection.recv(PATIENCE)
            connection.send("y")

    assert close_code(connection) == 4429
