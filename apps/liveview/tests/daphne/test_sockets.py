"""WebSockets under our daphne: neither side can fill the other's memory."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from contextlib import closing

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from liveview.daphne.sockets import Socket
from liveview.tests.ports import HOST
from liveview.tests.processes import PATIENCE, served, until
from liveview.tests.server import Server, Visitor
from liveview.tests.wire import MB, Laboratory, Wire, ask, blocks, sha256

lab = served(Laboratory)


def opened(server: Server, path: str) -> ClientConnection:
    url = f"ws://{HOST}:{server.port}{path}"
    return connect(url, proxy=None, open_timeout=PATIENCE, close_timeout=PATIENCE, max_size=None)


def upgraded(server: Server, path: str, *more_headers: str) -> Wire:
    """A socket that is spoken to by hand."""
    wire = Wire(server)
    key = base64.b64encode(os.urandom(16)).decode()
    headers = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13")
    wire.start("GET", path, *headers, *more_headers)
    assert wire.line() == b"HTTP/1.1 101 Switching Protocols\r\n"
    while wire.line() != b"\r\n":
        pass
    return wire


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole message, masked with zeros."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def test_a_sender_waits_for_a_slow_application(lab: Server) -> None:
    size = 200 * MB
    before = lab.memory()
    with closing(upgraded(lab, "/hoard")) as wire:
        messages = (frame(2, block) for block in blocks(size))

        assert wire.sends(messages, patience=2) < 40 * MB
        assert lab.peak() - before < 40 * MB

        ask(lab, "/go/hoard")
        wire.finish(messages)
        wire.send(frame(1, b"end"))

        answer = json.dumps({"bytes": size, "sha256": sha256(blocks(size))}).encode()
        assert wire.read(2 + len(answer))[2:] == answer
    assert lab.peak() - before < 40 * MB


def test_empty_messages_count_as_well(lab: Server) -> None:
    before = lab.memory()
    with closing(upgraded(lab, "/hoard/empty")) as wire:
        assert wire.sends((frame(2, b"") * 10_000 for _ in range(500)), patience=2) < 20 * MB
        assert lab.peak() - before < 40 * MB


def test_the_application_waits_for_a_slow_client(lab: Server) -> None:
    before = lab.memory()
    with closing(upgraded(lab, "/flood/3200")) as wire:
        until(lambda: ask(lab, "/sent/flood/3200")["bytes"])
        first = ask(lab, "/sent/flood/3200")["bytes"]

        assert first < 40 * MB
        assert lab.peak() - before < 40 * MB

        assert len(wire.read(3200 * 65_546)) == 3200 * 65_546  # each with a header of ten bytes
    until(lambda: ask(lab, "/sent/flood/3200")["bytes"] == 3200 * 65_536)


def test_what_is_sent_to_somebody_who_has_left_is_no_error() -> None:
    """The application hears of it only with its next message."""
    socket = Socket()
    socket.state = Socket.STATE_CLOSED

    socket.sendMessage(b"too late")


def test_messages_pings_and_closes_come_through(lab: Server) -> None:
    with opened(lab, "/echo") as socket:
        socket.send("hello")
        assert socket.recv(PATIENCE) == "hello"
        assert socket.ping().wait(PATIENCE)
        socket.close(4321)
    until(lambda: ask(lab, "/seen/echo"))

    assert ask(lab, "/seen/echo") == {"code": 4321}


def test_a_socket_that_was_held_back_goes_on_and_closes(lab: Server) -> None:
    with closing(upgraded(lab, "/hoard/closed")) as wire:
        messages = (frame(2, block) for block in blocks(60 * MB))
        wire.sends(messages, patience=2)
        ask(lab, "/go/hoard/closed")
        wire.finish(messages)
        wire.send(frame(9, b"still there?") + frame(8, b"\x03\xe8"))

        assert wire.read(14) == b"\x8a\x0cstill there?"
        assert wire.read(4) == b"\x88\x02\x03\xe8"
        assert wire.is_ended()
    until(lambda: ask(lab, "/seen/hoard/closed"))
    assert ask(lab, "/seen/hoard/closed")["bytes"] == 60 * MB


def answers_pings(wire: Wire) -> bool:
    wire.send(frame(9, b"still there?"))
    while (head := wire.read(2)) and head[0] != 0x8A:  # the server's own pings
        wire.read(head[1])
    return bool(head)


@pytest.mark.parametrize("opcode", [9, 10], ids=["pings", "pongs"])
def test_a_flood_of_control_frames_ends_the_socket(lab: Server, opcode: int) -> None:
    with closing(upgraded(lab, "/echo")) as idle, closing(upgraded(lab, "/echo")) as wire:
        wire.send(frame(opcode, b"x" * 125) * 300)

        assert wire.is_cut()
        assert answers_pings(idle), "not for its flood, but because it answered no ping, as this one"


def test_a_hundred_pings_are_answered(lab: Server) -> None:
    with closing(upgraded(lab, "/echo")) as wire:
        wire.send(frame(9, b"x") * 100)

        assert wire.read(300) == b"\x8a\x01x" * 100


def test_a_message_over_a_megabyte_ends_the_socket(lab: Server) -> None:
    with opened(lab, "/echo") as socket:
        socket.send("x" * 1024 * 1024)
        assert len(socket.recv(PATIENCE)) == 1024 * 1024

        with pytest.raises(ConnectionClosed):
            socket.send("x" * (1024 * 1024 + 1))
            socket.recv(PATIENCE)


def test_the_transport_refuses_what_never_reaches_us(
    server: Callable[..., Server], visit: Callable[..., Visitor]
) -> None:
    process = server()
    too_big, no_utf8, hostile = (visit(process, "/bench/") for _ in range(3))

    too_big.socket.send("a" * 2_000_000)
    assert too_big.wait_closed() == 1006
    no_utf8.socket.send(b"\xff\xfe", text=True)
    assert no_utf8.wait_closed() in (1006, 1007)
    for _ in range(3):
        hostile.socket.send("[" * 60_000)
    assert hostile.wait_closed() == 4400
    visit(process, "/bench/").event("add")
