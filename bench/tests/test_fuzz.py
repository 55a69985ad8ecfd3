"""A short run of the fuzzer, that it finds what is wrong, and odd heads and frames for a real server."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from bench.fuzz import Fault, Target, fuzz, targets
from liveview.tests.processes import served
from uploads.tests.http.ways.raw import Wire
from uploads.tests.http.ways.server import Server

server = served(Server)

INPUTS = 12_000


def test_no_parser_falls_over_damaged_input(tmp_path: Path) -> None:
    assert list(fuzz(targets(tmp_path), 1, iter(range(INPUTS)))) == []


def test_a_parser_that_falls_over_is_told_with_its_input() -> None:
    def read(data: bytes) -> None:
        if b"\xff" in data:
            raise IndexError("beyond the end")

    fragile = Target("fragile", read, (ValueError,), [b"fine"])

    found = list(fuzz([fragile], 7, iter(range(300))))

    assert found and found[0][0::2] == ("fragile", "IndexError: beyond the end")
    assert found == list(fuzz([fragile], 7, iter(range(300)))), "the same seed is the same input"
    assert isinstance(found[0], Fault)


# Against a server

FEW = settings(max_examples=60, deadline=None, derandomize=True, database=None)

lines = st.sampled_from(
    [
        *(b"GET / HTTP/1.1", b"POST /tus/ HTTP/1.1", b"PATCH /tus/x HTTP/1.1", b"POST /api/upload HTTP/1.0"),
        *(b"Host: 127.0.0.1", b"Host: evil.example", b"Host:", b"Content-Length: 3", b"Content-Length: 99999999999"),
        *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Upgrade: websocket", b"Connection: Upgrade"),
        *(b"Tus-Resumable: 1.0.0", b"Upload-Length: 1e9", b"Upload-Metadata: a ====", b"X-Upload-Id: ../x", b" folded"),
        *(
            b"Content-Type: multipart/form-data; boundary=",
            b"X-HTTP-Method-Override: DELETE",
            b"Cookie: sessionid=\xff",
        ),
    ]
)
heads = st.lists(lines | st.binary(max_size=40), min_size=1, max_size=8).map(lambda parts: b"\r\n".join(parts))
frames = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=200)).map(
        lambda frame: bytes(frame[:2]) + frame[2]
    ),
    min_size=1,
    max_size=6,
).map(b"".join)

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def is_well(server: Server) -> bool:
    """It answers the next visitor, and has met nothing that it hadn't expected."""
    return server.ask("OPTIONS", "/tus/").status == 204 and "Traceback" not in server.log_text()


def said(wire: Wire, data: bytes) -> None:
    with contextlib.suppress(OSError):
        wire.send(data)
    wire.reset()


@FEW
@given(head=heads, ends=st.booleans())
def test_no_head_of_a_request_upsets_a_server(server: Server, head: bytes, ends: bool) -> None:
    with Wire(server.port) as wire:
        said(wire, head + b"\r\n\r\n" * ends)

    assert is_well(server)


@FEW
@given(data=frames, path=st.sampled_from(["/live/", "/ws/upload/"]))
def test_no_frame_upsets_a_server(server: Server, data: bytes, path: str) -> None:
    with Wire(server.port) as wire:
        wire.begin("GET", path, {**UPGRADE, "Origin": server.url})
        assert wire.socket.recv(12) == b"HTTP/1.1 101"
        said(wire, data)

    assert is_well(server)


kinds = st.sampled_from(["mount", "event", "heartbeat", "upload_register", "upload_cancel", "__init__", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@FEW
@given(kind=kinds, fields=st.dictionaries(st.sampled_from(["ref", "url", "name", "params", "slot", "size"]), values))
def test_no_message_upsets_a_server(server: Server, kind: str, fields: dict[str, object]) -> None:
    address = f"{server.url.replace('http', 'ws')}/live/"
    with connect(address, origin=Origin(server.url), proxy=None) as socket, contextlib.suppress(ConnectionClosed):
        socket.send(json.dumps({"type": "mount", "protocol": 1, "url": "/", "snapshot": None}))
        socket.send(json.dumps({**fields, "type": kind}))
        socket.recv(60)

    assert is_well(server)
