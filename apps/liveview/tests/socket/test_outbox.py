"""A browser that doesn't read what it is sent: it waits for itself, and fills nobody's memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from liveview import testing
from liveview.core.messages import PROTOCOL
from liveview.extensions import Extension
from liveview.socket.asgi import live_socket
from liveview.testing import LivePage
from liveview.tests.daphne.test_sockets import frame, upgraded
from liveview.tests.processes import until
from liveview.tests.project.views import Bench, Chatter
from liveview.tests.server import HOST, Server, Visitor
from liveview.tests.wire import MB, Wire

Open = Callable[..., LivePage]
SIZE = 100_000  # of one turn: after three of them there is more than enough


class Network:
    """Takes what a socket sends only while it is open. A close isn't waited for."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def socket(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_later(event: dict[str, Any]) -> None:
            if event["type"] != "websocket.close":
                await self.is_open.wait()
            await send(event)

        await live_socket(scope, receive, send_later)

    def stops(self) -> None:
        self.is_open.clear()

    def goes_on(self) -> None:
        testing._loop().run(self._open())

    async def _open(self) -> None:
        self.is_open.set()


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Of the pages that are opened while this is there; those before it aren't held up."""
    made = Network()
    monkeypatch.setattr("liveview.testing.live_socket", made.socket)
    yield made
    made.goes_on()


class Counted(Chatter):
    answers = 0

    def received(self, message: Any) -> None:
        super().received(message)
        type(self).answers += 1


@pytest.fixture(autouse=True)
def none_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counted, "answers", 0)


@pytest.fixture
def other(site: Open) -> LivePage:
    """Somebody else's page."""
    return site("/events/")


def start(page: LivePage, event: str, ref: int) -> None:
    page.send({"type": "event", "ref": ref, "name": event, "params": {}})


def give_time(other: LivePage) -> None:
    """To do what must not be done: far more turns of another page."""
    for number in range(40):
        other.click("needs", name=str(number))


# In the order of the parameters: whoever asks for `other` first gets a page that isn't held up.


def test_a_turn_waits_until_what_the_last_ones_told_is_sent(other: LivePage, network: Network, site: Open) -> None:
    turns: list[int] = []

    def run(view: Any) -> None:
        turns.append(1)
        view.text = str(len(turns) % 10) * SIZE

    page = site("/bench/", on_run=run)
    network.stops()
    for ref in range(1000, 1020):
        start(page, "run", ref)
    until(lambda: len(turns) == 3)
    give_time(other)

    assert len(turns) == 3

    network.goes_on()
    page.wait_until(lambda message: message["type"] == "ack" and message["ref"] == 1019)
    assert len(turns) == 20 and "0" * SIZE in page.html
    assert [message["ref"] for message in page.received if message["type"] == "ack"] == list(range(1000, 1020))


def test_what_others_broadcast_waits_in_the_layer(other: LivePage, network: Network, site: Open) -> None:
    heard: list[str] = []

    def on_info(view: Any, topic: str, message: Any) -> None:
        heard.append(message["text"])
        view.text = message["text"] * SIZE

    page = site("/bench/", on_mount=lambda view: view.subscribe("room:lobby"), on_info=on_info)
    room = site("/room/lobby/")
    network.stops()
    for text in "abcdefgh":
        room.send({"type": "event", "ref": 1, "name": "say", "params": {"text": text}})
    until(lambda: len(heard) == 3)
    give_time(other)

    assert len(heard) == 3

    network.goes_on()
    page.wait_html("h" * SIZE)
    assert "".join(heard) == "abcdefgh"


def test_answers_that_cannot_wait_come_while_turns_do(
    network: Network, site: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bench, "live_extension_classes", (Counted,))
    turns: list[int] = []

    def run(view: Any) -> None:
        turns.append(1)
        view.text = str(len(turns)) * SIZE

    page = site("/bench/", on_run=run)
    network.stops()
    for ref in range(1000, 1005):
        start(page, "run", ref)
    until(lambda: len(turns) == 3)
    page.send({"type": "heartbeat"})
    page.send({"type": "chat"})
    until(lambda: Counted.answers)
    network.goes_on()
    page.wait_until(lambda message: message["type"] == "ack" and message["ref"] == 1004)

    kinds = [message["type"] for message in page.received if message["type"] != "patch"]
    assert sorted(kinds[-7:]) == ["ack"] * 5 + ["heartbeat", "push"]
    assert kinds.index("heartbeat") < len(kinds) - 1


def test_who_asks_for_answers_and_reads_none_is_cut_off(
    network: Network, site: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bench, "live_extension_classes", (Counted,))
    page = site("/bench/")
    network.stops()
    for _ in range(200):
        page.send({"type": "chat"})

    assert page.wait_closed() == 4429
    assert 40 <= Counted.answers <= 44  # four megabytes, and one more


def test_a_page_that_was_left_while_its_turns_waited_is_forgotten_at_once(
    network: Network, site: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[int] = []

    class Watching(Extension):
        async def closed(self) -> None:
            closed.append(len(turns))

    def run(view: Any) -> None:
        turns.append(1)
        view.text = str(len(turns)) * SIZE

    turns: list[int] = []
    monkeypatch.setattr(Bench, "live_extension_classes", (Watching,))
    monkeypatch.setattr("liveview.socket.actor.GRACE", 1000.0)
    page = site("/bench/", on_run=run)
    network.stops()
    for ref in range(1000, 1010):
        start(page, "run", ref)
    until(lambda: len(turns) == 3)

    page.drop_connection()

    assert closed == [3]


# -- Over a real network


@pytest.fixture
def mounted(server: Callable[..., Server]) -> Iterator[tuple[Server, Wire]]:
    """A page of a megabyte, of which nothing but the first paint has been read."""
    process = server()
    with closing(upgraded(process, "/live/", f"Origin: http://{HOST}")) as wire:
        say(wire, {"type": "mount", "protocol": PROTOCOL, "url": "/large/", "snapshot": None})
        assert hear(wire)["type"] == "mounted"
        yield process, wire


def say(wire: Wire, message: dict[str, Any]) -> None:
    wire.send(frame(1, json.dumps(message).encode()))


def hear(wire: Wire) -> dict[str, Any]:
    head = wire.read(2)
    assert head[0] == 0x81, head
    size = head[1]
    if size > 125:
        size = int.from_bytes(wire.read(2 if size == 126 else 8), "big")
    found: dict[str, Any] = json.loads(wire.read(size))
    return found


def test_a_page_that_is_asked_for_again_and_again_is_in_memory_once(
    mounted: tuple[Server, Wire], visit: Callable[..., Visitor]
) -> None:
    process, wire = mounted
    before = process.memory()
    for _ in range(60):
        say(wire, {"type": "html"})
    other = visit(process, "/events/")
    for number in range(60):
        other.event("takes_all", number=number)

    assert [hear(wire)["type"] for _ in range(60)] == ["html"] * 60
    assert process.peak() - before < 30 * MB


def test_who_never_reads_is_gone_soon(mounted: tuple[Server, Wire]) -> None:
    process, wire = mounted
    before = process.memory()
    wire.send(frame(1, b'{"type":"chat"}') * 1000)

    until(lambda: "WSDISCONNECT /live/" in process.log.read_text())
    assert process.peak() - before < 30 * MB


def test_the_server_ends_though_somebody_does_not_read(mounted: tuple[Server, Wire]) -> None:
    process, wire = mounted
    for _ in range(30):
        say(wire, {"type": "html"})
    process.terminate()

    process.wait()

    assert "shutdown: cancelled" not in process.log.read_text()
