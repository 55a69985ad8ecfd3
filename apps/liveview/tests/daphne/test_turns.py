"""Turns at the event loop's time, for connections that take more than their share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from types import SimpleNamespace

import pytest
from twisted.internet.testing import StringTransport
from twisted.web import http

from liveview import process
from liveview.core.messages import CloseCode
from liveview.core.time_budget import SLICE, TimeBudget
from liveview.daphne.turns import PAUSE, Metered, Turns, turn
from liveview.process import here
from liveview.tests.daphne.test_sockets import frame, opened, upgraded
from liveview.tests.processes import served, until
from liveview.tests.server import PATIENCE, Server
from liveview.tests.wire import Laboratory, Wire, ask

lab = served(Laboratory, loop_seconds=0.1)
EMPTY = b"\x00\x80\0\0\0\0"  # a frame that continues a message with nothing
CLOSED = b"\x88\x02" + CloseCode.RATE.to_bytes(2, "big")


@pytest.fixture(autouse=True)
def own_memory() -> Iterator[None]:
    before = process.begin()
    yield
    process._current = before


def owing(seconds: float) -> TimeBudget:
    budget = TimeBudget(10.0, lambda: 0.0)
    budget.charge(seconds)
    return budget


def test_who_owes_least_is_first() -> None:
    order: list[str] = []

    async def ask_for_turns() -> None:
        for name, owed in (("much", 0.5), ("little", 0.01), ("more", 0.7)):
            here(Turns).ask(owing(owed), lambda name=name: order.append(name))
        assert order == []
        await turn(owing(0.9))

    asyncio.run(ask_for_turns())
    assert order == ["little", "much", "more"]


def test_who_begins_does_not_wait_for_all_who_are_at_it() -> None:
    order: list[str] = []

    async def ask_for_turns() -> None:
        for number in range(4):
            here(Turns).ask(owing(0.01), lambda number=number: order.append(f"more {number}"))
        for number in range(2):
            here(Turns).ask(owing(0.5), lambda number=number: order.append(f"begins {number}"), begins=True)
        await turn(owing(0.9))

    asyncio.run(ask_for_turns())
    assert order == ["begins 0", "more 0", "begins 1", "more 1", "more 2", "more 3"]


def test_who_comes_alone_does_not_wait_for_all_of_one_address() -> None:
    order: list[str] = []

    came_alone = asyncio.Event()

    def one_of_many(number: int) -> None:
        order.append(f"one of many {number}")
        if number == 0:
            here(Turns).ask(owing(0.0001), came_alone.set, begins=True)

    async def ask_for_turns() -> None:
        shared = TimeBudget(10.0)
        for number in range(20):
            here(Turns).ask(shared, partial(one_of_many, number), begins=True)
        await came_alone.wait()

    asyncio.run(ask_for_turns())
    assert len(order) < 10


def test_who_has_waited_for_long_is_not_passed_for_ever() -> None:
    async def rank() -> list[float]:
        turns = here(Turns)
        for owed, ago in ((0.01, 10.0), (0.0, 0.0), (1.0, 0.0)):
            turns.ask(owing(owed), lambda: None)
            turns._waiting[-1] = turns._waiting[-1]._replace(at=1000 - ago)
        return [asked.rank for asked in turns._waiting]

    ranks = asyncio.run(rank())
    assert sorted(ranks) == ranks


def test_a_long_turn_is_followed_by_a_long_pause() -> None:
    ends: list[float] = []

    async def take_two() -> None:
        budget = owing(0.5)
        await turn(budget)
        budget.charge(0.1)
        ends.append(time.monotonic())
        await turn(owing(0.01))
        ends.append(time.monotonic())

    asyncio.run(take_two())
    assert ends[1] - ends[0] >= (0.1 - SLICE) * PAUSE


def test_who_owes_nothing_never_waits() -> None:
    async def pass_through() -> list[object]:
        await turn(TimeBudget(1.0))
        return here(Turns)._waiting

    assert asyncio.run(pass_through()) == []


def test_an_application_is_charged_for_the_loop_it_takes_and_not_for_waiting() -> None:
    budget = TimeBudget(10.0, lambda: 0.0)

    async def application() -> str:
        _spend(0.03)
        await asyncio.sleep(0.1)
        return "done"

    async def run() -> str:
        return await asyncio.ensure_future(Metered(application(), budget))

    assert asyncio.run(run()) == "done"
    assert 0.03 <= budget.owed < 0.09


def test_what_comes_after_the_close_is_charged_as_well() -> None:
    """Its client has a second to answer the close, and may fill it with frames."""
    from liveview.daphne.sockets import Socket

    socket = Socket()
    socket.budget = TimeBudget(10.0, lambda: 0.0)
    socket._dataReceived = lambda data: _spend(0.01)
    socket.state = socket.STATE_CLOSING
    socket._read_piece(b"frames")

    assert socket.budget.owed >= 0.009


def test_nothing_is_read_for_a_request_whose_client_has_left_before_its_turn() -> None:
    from liveview.daphne.channel import Channel

    channel, lost, read = Channel(), list[object](), list[int]()
    channel.transport, channel.length = StringTransport(), None
    channel._networkProducer = channel.transport
    channel.factory = SimpleNamespace(server=SimpleNamespace(channels={}))
    channel.requests = [
        SimpleNamespace(is_complete=False, connectionLost=lost.append, needs_turn=lambda: read.append(1) or True)
    ]
    channel._arrived, channel._awaits_turn = b"1\r\nx\r\n", True

    channel.connectionLost()
    channel._go_on()

    assert lost
    assert not read


async def test_a_body_that_comes_with_its_head_is_not_read_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of a megabyte may be there at once, and in chunks of a byte that is a second."""
    from liveview.daphne.channel import Channel

    channel, read = Channel(), list[bytes]()
    channel.factory = SimpleNamespace(server=SimpleNamespace(proxy_forwarded_address_header=None))
    channel._headers_due = channel
    monkeypatch.setattr(http.HTTPChannel, "dataReceived", lambda _self, data: read.append(data))
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

    channel.dataReceived(head + b"1\r\nx\r\n")

    assert read[0] == head


def _spend(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


# On real connections


@pytest.mark.parametrize("pieces", [EMPTY * 10_000, b"\x00\x81\0\0\0\0x" * 10_000])
def test_fragments_that_carry_nothing_end_the_socket(lab: Server, pieces: bytes) -> None:
    """No message ever arrives, so no limit of messages counts them."""
    with closing(upgraded(lab, "/echo")) as wire:
        wire.send(b"\x01\x80\0\0\0\0")
        wire.sends((pieces for _ in range(20)), patience=PATIENCE)

        assert wire.read(4) == CLOSED


def test_messages_that_cost_their_application_much_end_the_socket(lab: Server) -> None:
    with closing(upgraded(lab, "/burn")) as wire:
        wire.send(frame(1, b"{}") * 30)

        assert wire.read(4) == CLOSED


def test_a_body_in_too_many_chunks_is_refused(lab: Server) -> None:
    with Wire(lab) as wire:
        wire.start("POST", "/sink/crumbs", "Transfer-Encoding: chunked")
        wire.sends((b"1\r\nx\r\n" * 10_000 for _ in range(9)), patience=PATIENCE)

        assert wire.answer().status == 429


def test_others_notice_nothing(lab: Server) -> None:
    with closing(upgraded(lab, "/burn")) as hostile, opened(lab, "/echo") as socket:
        hostile.send(frame(1, b"{}") * 4)
        socket.send("hello")
        assert socket.recv(PATIENCE) == "hello"
        large = bytes(1_000_000)
        with Wire(lab) as wire:
            assert wire.post("/sink/honest", large[:100_000]).json["bytes"] == 100_000
        until(lambda: ask(lab, "/seen/sink/honest"))
