"""What browsers may say: everything else is counted, answered and, the third time, the end."""

from __future__ import annotations

import json
import socket as sockets
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from websockets.exceptions import ConnectionClosed

from liveview.core.limits import Bucket, Strikes
from liveview.core.messages import CLIENT, BadMessage, parse
from liveview.encoding import encode
from liveview.socket.connection_limit import Crowd
from liveview.testing import Closed, LivePage, ServerSaid
from liveview.tests.server import HOST, Server, Visitor

Open = Callable[..., LivePage]
LIMIT = 65_536

GOOD = [
    '{"type":"mount","protocol":1,"url":"/","snapshot":null}',
    '{"type":"mount","protocol":1,"url":"/"}',
    '{"type":"event","ref":1,"name":"add","params":{}}',
    '{"type":"call","ref":9007199254740991,"name":"add","params":{"a":[1,2.5,null,true,"ü\\ud83d\\ude00",{"b":{}}]}}',
    '{"type":"url","url":"/?a=1"}',
    '{"type":"html"}',
    '{"type":"heartbeat"}',
]

EVENT = '{"type":"event","ref":1,"name":"add","params":%s}'
BAD = {
    "nothing": "",
    "no JSON": "hello",
    "half": '{"type":"html"',
    "two": '{"type":"html"}{"type":"html"}',
    "a list": "[]",
    "a string": '"html"',
    "null": "null",
    "no type": "{}",
    "an unknown type": '{"type":"shutdown"}',
    "a type that is a method": '{"type":"__init__"}',
    "a type of the server": '{"type":"patch","version":1,"splices":[]}',
    "a type that is no string": '{"type":["html"]}',
    "an extra field": '{"type":"html","x":1}',
    "a missing field": '{"type":"event","ref":1,"name":"add"}',
    "a ref of nought": '{"type":"event","ref":0,"name":"add","params":{}}',
    "a negative ref": '{"type":"event","ref":-1,"name":"add","params":{}}',
    "a boolean ref": '{"type":"event","ref":true,"name":"add","params":{}}',
    "a fractional ref": '{"type":"event","ref":1.0,"name":"add","params":{}}',
    "a huge ref": '{"type":"event","ref":9007199254740992,"name":"add","params":{}}',
    "a ref in quotes": '{"type":"event","ref":"1","name":"add","params":{}}',
    "no name": '{"type":"event","ref":1,"name":"","params":{}}',
    "a long name": '{"type":"event","ref":1,"name":"' + "a" * 101 + '","params":{}}',
    "params in a list": EVENT % "[]",
    "params in null": EVENT % "null",
    "NaN": EVENT % '{"a":NaN}',
    "Infinity": EVENT % '{"a":-Infinity}',
    "infinite by exponent": EVENT % '{"a":1e999}',
    "5000 digits": EVENT % ('{"a":' + "9" * 5000 + "}"),
    "41 digits": EVENT % ('{"a":' + "9" * 41 + "}"),
    "duplicate keys": '{"type":"html","type":"html"}',
    "duplicate keys, deeper": EVENT % '{"a":{"b":1,"b":2}}',
    "a NUL": '{"type":"url","url":"/?a=\\u0000"}',
    "a NUL in a name": '{"type":"event","ref":1,"name":"a\\u0000","params":{}}',
    "a lone surrogate": EVENT % '{"a":"\\ud800"}',
    "a lone surrogate in a key": EVENT % '{"a":[{"\\udc00":1}]}',
    "20 levels and one": EVENT % ('{"a":' + "[" * 20 + "]" * 20 + "}"),
    "800 levels": EVENT % ('{"a":' + "[" * 800 + "]" * 800 + "}"),
    "30000 levels": "[" * 30_000 + "]" * 30_000,
    "30000 levels of objects": '{"a":' * 10_000,
    "too many bytes": EVENT % ('{"a":"' + "a" * LIMIT + '"}'),
    "too many bytes in fewer characters": EVENT % ('{"a":"' + "😀" * (LIMIT // 4) + '"}'),
    "a URL too long": '{"type":"url","url":"/' + "a" * 4096 + '"}',
}


@pytest.mark.parametrize("raw", GOOD)
def test_what_clients_say_is_understood(raw: str) -> None:
    assert parse(raw, CLIENT, LIMIT)["type"] == json.loads(raw)["type"]


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD)
def test_what_no_client_says_is_refused(raw: str) -> None:
    with pytest.raises(BadMessage):
        parse(raw, CLIENT, LIMIT)


def test_twenty_levels_are_taken() -> None:
    assert parse(EVENT % ('{"a":' + "[" * 19 + "]" * 19 + "}"), CLIENT, LIMIT)


def test_the_server_speaks_json_that_browsers_read() -> None:
    assert encode({"a": "\ud800ü"}) == '{"a":"?ü"}'
    with pytest.raises(ValueError):
        encode(float("nan"))


@pytest.mark.parametrize("name", ["no JSON", "5000 digits", "800 levels", "30000 levels", "NaN", "too many bytes"])
def test_three_offences_close_the_socket_and_none_reaches_the_log(
    site: Open, errors: Callable[[], str], name: str
) -> None:
    bench = site()

    for _ in range(2):
        bench.send_text(BAD[name])
        assert bench.wait_for("error")["code"] == "bad_message"
    bench.click("add")
    bench.send_text(BAD[name])

    assert bench.wait_closed() == 4400
    assert errors() == ""


def test_a_binary_frame_that_nobody_takes_is_an_offence(site: Open, blank: LivePage) -> None:
    for socket in (site(), blank):
        for _ in range(3):
            socket.send_bytes(b"\x01" * 100)
        assert socket.wait_closed() == 4400


def test_mounting_twice_is_an_offence(site: Open) -> None:
    bench = site()

    bench.send({"type": "mount", "protocol": 1, "url": "/bench/", "snapshot": None})

    assert bench.wait_for("error")["code"] == "bad_message"
    bench.click("add")


@pytest.mark.parametrize("kind", ["event", "call"])
def test_nothing_happens_before_the_mount(blank: LivePage, kind: str) -> None:
    blank.send({"type": "html"})
    blank.send({"type": "url", "url": "/bench/?a=1"})
    blank.send({"type": kind, "ref": 1, "name": "add", "params": {}})

    assert blank.wait_until(lambda message: True)["code"] == "not_mounted"


def test_a_heartbeat_is_answered_before_and_after_the_mount(site: Open, blank: LivePage) -> None:
    for socket in (blank, site()):
        socket.send({"type": "heartbeat"})
        socket.wait_for("heartbeat")


def test_after_the_close_nothing_counts(site: Open) -> None:
    runs: list[int] = []
    bench = site(on_run=lambda view: runs.append(1))
    for _ in range(3):
        bench.send_text("nonsense")
    for ref in range(1000, 1010):
        bench.send({"type": "event", "ref": ref, "name": "run", "params": {}})

    assert bench.wait_closed() == 4400
    bench.drop_connection()
    assert runs == []


def test_what_waits_when_the_socket_is_closed_is_not_done(site: Open) -> None:
    gate = site("/gate/")
    gate.send({"type": "event", "ref": 1, "name": "wait", "params": {}})
    gate.send({"type": "event", "ref": 2, "name": "open", "params": {}})
    for _ in range(3):
        gate.send_text("nonsense")
    assert gate.wait_closed() == 4400

    from liveview.tests.project.views import Gate

    Gate.opened.set()
    gate.drop_connection()
    assert not [message for message in gate.received if message["type"] == "ack"]


# -- Rates


def test_a_flood_is_told_and_then_cut(site: Open, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "EVENTS_PER_SECOND": 1}
    bench = site()
    with pytest.raises(ServerSaid) as said:
        for _ in range(100):
            bench.click("add")
    assert said.value.code == "rate_limited"

    for _ in range(200):
        bench.send({"type": "heartbeat"})

    assert bench.wait_closed() == 4429


def test_a_queue_that_is_full_is_told(site: Open, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "MAX_QUEUE": 2}
    gate = site("/gate/")

    for ref in range(1, 6):
        gate.send({"type": "event", "ref": ref, "name": "wait", "params": {}})

    assert gate.wait_for("error")["code"] == "rate_limited"


def test_a_bucket_fills_with_time() -> None:
    now = [0.0]
    bucket = Bucket(rate=2, burst=3, clock=lambda: now[0])

    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    assert bucket.debt == 2
    now[0] = 0.5
    assert [bucket.take(), bucket.take()] == [True, False]
    now[0] = 100
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_old_strikes_are_forgotten() -> None:
    now = [0.0]
    strikes = Strikes(3, per=60, clock=lambda: now[0])

    struck = []
    for at in (0, 40, 80, 90):
        now[0] = at
        struck.append(strikes.add())

    assert struck == [False, False, False, True]


# -- Too many


def test_a_crowd_counts_who_comes_and_goes() -> None:
    crowd = Crowd()
    one, two = crowd.enter("a", 2), crowd.enter("a", 2)
    assert one and two

    assert crowd.enter("a", 2) is None
    assert crowd.enter("b", 2)
    one.leave()
    assert crowd.enter("a", 2)


def test_one_session_has_so_many_sockets_and_no_more(site: Open, settings: Any, admin_client: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "MAX_SOCKETS": 2}
    first = site("/bench/", admin_client)
    site("/bench/", admin_client)
    third = LivePage("/bench/", admin_client)

    with pytest.raises(Closed) as closed:
        third.connect()
    assert closed.value.code == 4429
    assert third.received[-1]["code"] == "too_many_sockets"
    third.drop_connection()
    for _ in range(3):  # strangers, who have no session
        site("/bench/", stranger())

    first.drop_connection()
    site("/bench/", admin_client)


def stranger() -> Client:
    """Somebody whose session is long gone."""
    client = Client()
    client.cookies["sessionid"] = "x" * 32
    return client


def test_an_address_may_be_limited_too(site: Open, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "MAX_SOCKETS_PER_ADDRESS": 1}
    site()
    other = LivePage("/bench/")

    other.open()

    assert other.wait_closed() == 4429
    other.drop_connection()


# -- Over a real server


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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    process = Server(tmp_path_factory.mktemp("origins")).start()
    yield process
    process.kill()


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


def test_a_closed_connection_is_seen_as_one(running: Server) -> None:
    visitor = Visitor(running, "/bench/")
    visitor.leave()
    with pytest.raises(ConnectionClosed):
        visitor.socket.recv(30)
