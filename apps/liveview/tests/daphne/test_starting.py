"""How our daphne is started, what it relies on, and what other servers get instead."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import json
import logging
import re
import resource
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autobahn import websocket
from autobahn.websocket.protocol import TrafficStats
from daphne.server import Server as StockServer
from twisted.internet.testing import StringTransport
from twisted.web import http

import liveview.daphne
from liveview.core.time_budget import TimeBudget
from liveview.daphne import capped, names
from liveview.daphne.checks import check_unmasking
from liveview.daphne.server import Server as OurServer
from liveview.daphne.server import with_backlog
from liveview.daphne.sockets import Socket
from liveview.daphne.starting import CommandLine, server_class
from liveview.tests.processes import DAPHNE, LISTEN, PATIENCE, Start, served, until
from liveview.tests.server import HOST, Server
from liveview.tests.wire import Laboratory, Wire

PACKAGE = Path(liveview.daphne.__file__).parent
LAB = Laboratory.application
HUGE = "Content-Length: 100000000000"


# -- What it relies on


def test_nothing_is_missing() -> None:
    assert names.gone() == []
    assert server_class() is OurServer


def test_nothing_is_advised_that_it_does_not_speak(caplog: pytest.LogCaptureFixture) -> None:
    """As daphne would, at each start: its own words are in its source."""
    source = inspect.getsource(StockServer.run)
    (words,) = re.findall(r'"(HTTP/2 support not enabled .*?)"', source)
    server_class()

    with caplog.at_level(logging.INFO):
        logging.getLogger("daphne.server").info(words)
        logging.getLogger("daphne.server").info("Listening on TCP address")

    assert [record.getMessage() for record in caplog.records] == ["Listening on TCP address"]


@pytest.mark.parametrize(
    ("place", "name"),
    [(http.HTTPChannel, "_send100Continue"), (http.HTTPChannel, "_waitingForTransport"), (http.Request, "gotLength")],
)
def test_stock_daphne_serves_where_something_is_gone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: Any, name: str
) -> None:
    monkeypatch.delattr(place, name)

    assert server_class() is StockServer
    (record,) = [record for record in caplog.records if record.name == "liveview.daphne"]
    assert record.levelno == logging.WARNING and f".{name}" in record.getMessage()


def test_stock_daphne_serves_where_a_function_no_longer_does_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.HTTPChannel, "connectionMade", lambda channel: None)

    assert names.gone() == ["_networkProducer of twisted.web.http:HTTPChannel.connectionMade"]
    assert server_class() is StockServer


def test_every_private_name_that_is_used_is_checked() -> None:
    checked = {name for group in (names.ATTRIBUTES, names.USED_BY) for values in group.values() for name in values}
    used, ours = set(), set()
    for module in ("channel", "request", "server", "sockets", "starting"):
        for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text())):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    ours.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                    ours.add(name)
                case ast.Attribute(attr=name):
                    used.add(name)
    private = {name for name in used if name.startswith("_") and not name.startswith("__")}

    assert {"_networkProducer", "_dataReceived", "_command"} <= private
    assert private - ours - checked == set()


# -- How it is started


def test_the_command_is_daphnes_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        CommandLine().run(["--help"])

    told = capsys.readouterr().out
    assert told.startswith("usage: python -m liveview.daphne")
    assert "--proxy-headers" in told and "--websocket-max-message-size" in told


def test_runserver_is_our_server(server: Start) -> None:
    with Wire(server(command=["-m", "django", "runserver", "--noreload", "{host}:{port}"])) as wire:
        wire.start("POST", "/plain/", HUGE)
        assert wire.answer().status == 413


def test_the_time_for_an_answer_begins_after_the_body(server: Start) -> None:
    running = server(command=[*DAPHNE, "--http-timeout", "1", LAB])
    with Wire(running) as wire, Wire(running) as other:
        wire.start("POST", "/sink/a", "Content-Length: 5")
        other.start("GET", "/slow/a")
        assert other.answer().status == 503
        wire.send(b"hello")
        assert wire.answer().json["bytes"] == 5


stock = served(Server, command=["-m", "daphne", *LISTEN, LAB], max_body=1000)


def test_stock_daphne_still_works_and_says_what_is_missing(stock: Server) -> None:
    with Wire(stock) as wire:
        assert wire.post("/sink/a", bytes(1000)).json["bytes"] == 1000
        assert wire.get("/plain/").body == b"plain"
        assert wire.post("/sink/a", bytes(1001)).status == 413

    until(lambda: "python -m liveview.daphne" in stock.log.read_text())
    assert stock.log.read_text().count("Not running under liveview.daphne") == 1


# -- What any server has


async def exchange(application: Any, bodies: list[bytes], *headers: tuple[bytes, bytes]) -> list[dict[str, Any]]:
    scope = {"type": "http", "path": "/x", "headers": list(headers)}
    parts = [
        {"type": "http.request", "body": body, "more_body": left > 0}
        for left, body in zip(range(len(bodies) - 1, -1, -1), bodies, strict=True)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


async def reader(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if not message["more_body"]:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return


async def test_under_any_server_a_body_that_grows_too_long_is_refused(settings: Any) -> None:
    settings.LIVEVIEW = {"MAX_BODY": 10}

    assert (await exchange(capped(reader), [b"12345", b"67890"]))[0]["status"] == 200
    (start, body) = await exchange(capped(reader), [b"12345", b"67890", b"1"])
    assert (start["status"], json.loads(body["body"])["error"]) == (413, "too_large")


async def test_under_any_server_an_announced_size_is_enough(settings: Any) -> None:
    settings.LIVEVIEW = {"MAX_BODY": 10}

    sent = await exchange(capped(reader), [b"nothing is read"], (b"content-length", b"11"))

    assert sent[0]["status"] == 413


async def test_under_any_server_a_person_is_told_on_a_page(settings: Any) -> None:
    settings.LIVEVIEW = {"MAX_BODY": 10}

    start, body = await exchange(
        capped(reader), [b"nothing is read"], (b"content-length", b"11"), (b"accept", b"text/html,*/*;q=0.8")
    )

    assert start["status"] == 413 and dict(start["headers"])[b"content-type"].startswith(b"text/html")
    assert b"<h1>" in body["body"]


async def test_under_any_server_a_body_that_stalls_is_refused(settings: Any) -> None:
    settings.LIVEVIEW = {"BODY_SECONDS": 0.05}
    sent: list[dict[str, Any]] = []
    parts = iter([{"type": "http.request", "body": b"some", "more_body": True}])

    async def receive() -> dict[str, Any]:
        return next(parts, None) or await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await capped(reader)({"type": "http", "path": "/x", "headers": []}, receive, send)
    assert (sent[0]["status"], json.loads(sent[1]["body"])["error"]) == (408, "too_slow")


async def test_under_any_server_an_answer_may_take_as_long_as_it_likes(settings: Any) -> None:
    """What an application then waits for is the end of its connection."""
    settings.LIVEVIEW = {"BODY_SECONDS": 0.01}

    async def patient(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        await receive()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(receive(), 0.05)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        return next(parts, None) or await asyncio.get_running_loop().create_future()

    parts = iter([{"type": "http.request", "body": b"", "more_body": False}])
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await capped(patient)({"type": "http", "path": "/x", "headers": []}, receive, send)
    assert [message["status"] for message in sent] == [200]


def refuse_to_format(value: object) -> str:
    pytest.fail(f"{value} is formatted for a log that nobody reads")


def test_messages_are_not_described_for_a_log_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autobahn.twisted.websocket.hltype", refuse_to_format)
    monkeypatch.setattr("autobahn.websocket.protocol.hltype", refuse_to_format)
    socket, wire = Socket(), StringTransport()
    socket.transport, socket.state, socket.logOctets = wire, Socket.STATE_OPEN, False
    socket.budget, socket.current_frame = TimeBudget(1.0), None
    socket.send_queue, socket.trafficStats = deque(), TrafficStats()
    received: list[bytes] = []
    monkeypatch.setattr(socket, "_dataReceived", received.append)

    socket.dataReceived(b"question")
    socket.sendData(b"answer")

    assert (received, wire.value()) == ([b"question"], b"answer")


# -- Checks


def test_a_check_tells_that_unmasking_will_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "USES_NVX", True)
    assert check_unmasking(None) == []

    monkeypatch.setattr(websocket, "USES_NVX", False)
    assert [found.id for found in check_unmasking(None)] == ["liveview.W002"]


class Limited(Server):
    popen = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 3000))}


limited = served(Limited)


@pytest.mark.skipif(sys.platform != "linux", reason="where a process tells its limits")
def test_a_server_raises_its_limit_of_open_files_as_far_as_it_may(limited: Limited) -> None:
    limits = Path(f"/proc/{limited.pid}/limits").read_text()

    assert re.search(r"^Max open files +3000 +3000", limits, re.MULTILINE)


@pytest.mark.skipif(sys.platform != "linux", reason="where what waits is as much as the program says")
def test_many_who_come_at_once_are_let_wait(limited: Limited) -> None:
    """As after a restart: a server that is busy has the system take connections for it, and not just fifty of them."""
    limited.signal(signal.SIGSTOP)
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                stack.enter_context(socket.create_connection((HOST, limited.port), timeout=5))
    finally:
        limited.signal(signal.SIGCONT)


def test_who_says_how_many_may_wait_is_believed() -> None:
    assert with_backlog("unix:/run/site") == "unix:/run/site:backlog=2048"
    assert with_backlog("tcp:8000:backlog=5") == "tcp:8000:backlog=5"
    assert with_backlog("fd:fileno=3") == "fd:fileno=3"


@pytest.mark.skipif(sys.platform != "linux", reason="addresses of the loopback other than the first")
def test_a_crowd_of_idle_connections_keeps_nobody_out(tmp_path: Path) -> None:
    """Connections are files, and a process may have only so many open. The crowd makes room, and nobody else."""

    class Small(Server):
        popen = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))}

    with Small(tmp_path) as server, contextlib.ExitStack() as stack:

        def connected(source: str) -> socket.socket:
            return stack.enter_context(socket.create_connection((HOST, server.port), PATIENCE, (source, 0)))

        patient = connected("127.0.0.2")
        for _ in range(400):
            connected("127.0.0.3")

        assert server.get("/public/") == 200
        patient.sendall(b"GET /public/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert patient.recv(15) == b"HTTP/1.1 200 OK"
