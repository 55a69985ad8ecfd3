"""What an address owes for all that it opens and asks."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from liveview import process
from liveview.core.time_budget import TimeBudget
from liveview.daphne import accounts
from liveview.daphne.accounts import FREE, MOST_WAITING, Accounts, Visits, payer_of, session_of
from liveview.daphne.turns import Turns
from liveview.process import here
from liveview.tests.processes import DAPHNE, served, until
from liveview.tests.server import HOST, Server
from liveview.tests.wire import Laboratory, Wire, ask

lab = served(Laboratory)
behind = served(Server, command=[*DAPHNE, "--proxy-headers", Laboratory.application])
FLOODER, OTHER = "127.0.0.2", HOST
linux = pytest.mark.skipif(sys.platform != "linux", reason="one address of this machine")


@pytest.fixture(autouse=True)
def own_memory() -> Iterator[None]:
    before = process.begin()
    yield
    process._current = before


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_who_comes_again_does_not_begin_anew() -> None:
    async def come_again() -> None:
        for _ in range(3):
            payer_of("192.0.2.1", "").charge(FREE / 2)
        assert payer_of("192.0.2.1", "").needs_turn
        assert not payer_of("192.0.2.2", "").needs_turn

    run(come_again)


def test_the_more_it_is_crowded_the_less_is_free() -> None:
    async def ask_when_crowded() -> None:
        payer_of("192.0.2.1", "").charge(FREE / 2)
        for crowded, needs in ((0.0, False), (2.0, True), (3.0, True)):
            here(Visits)._pause = crowded
            assert payer_of("192.0.2.1", "").needs_turn is needs
        assert not payer_of("192.0.2.2", "").needs_turn

    run(ask_when_crowded)


def test_of_one_address_the_session_that_took_least_is_first() -> None:
    order: list[str] = []

    async def take(session: str) -> None:
        assert await payer_of("192.0.2.1", session).turn()
        order.append(session)

    async def ask() -> None:
        payer_of("192.0.2.1", "").charge(2 * FREE)
        payer_of("192.0.2.1", "much").charge(FREE)
        await asyncio.gather(take(""), take("much"), take("little"))

    run(ask)
    assert order == ["little", "much", ""]


def test_too_many_that_wait_are_refused_and_then_the_door_is_closed() -> None:
    async def crowd() -> None:
        payer_of("192.0.2.1", "").charge(2 * FREE)
        waiting = [asyncio.ensure_future(payer_of("192.0.2.1", "").turn()) for _ in range(MOST_WAITING + 1)]
        await asyncio.sleep(0)
        assert waiting[-1].done() and waiting[-1].result() is False
        closed = [here(Accounts).is_closed("192.0.2.1") for _ in range(200)]
        assert not closed[0] and closed[-1]
        assert not here(Accounts).is_closed("192.0.2.2")
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        assert not here(Accounts).is_closed("192.0.2.1")

    run(crowd)


def test_who_waits_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "PATIENCE", 0.01)

    async def wait() -> None:
        turns = here(Turns)
        turns._free_at = time.monotonic() + 60
        assert await payer_of("192.0.2.1", "").turn() is False
        assert turns._waiting == []

    run(wait)


def test_a_shared_address_owes_nothing_but_each_session_does(settings: Any) -> None:
    settings.LIVEVIEW = {"SHARED_ADDRESSES": ["192.0.2.0/24", "2001:db8::/32"]}

    async def share() -> None:
        for address in ("192.0.2.1", "2001:db8:1:2::/64"):
            payer_of(address, "").charge(2 * FREE)
            assert not payer_of(address, "").needs_turn
            payer_of(address, "greedy").charge(2 * FREE)
            assert payer_of(address, "greedy").needs_turn
            assert not payer_of(address, "modest").needs_turn

    run(share)


def test_there_is_no_pause_while_nobody_else_needs_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, used = 0.0, 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "process_time", lambda: used)
    visits = Visits()

    def second(own: float, others: float) -> float:
        nonlocal now, used
        now, used = now + 1, used + own + others
        visits.charge(others)
        return visits.pause()

    assert [second(0.9, 0.005) for _ in range(4)] == [0, 0, 0, 0]  # a crowded office, alone
    assert [second(0.3, 0.3) for _ in range(4)] == [0, 0, 0, 0]  # there is time for all
    assert [second(0.7, 0.3) for _ in range(4)] == [1, 2, 3, 3]
    assert [second(0.1, 0.1) for _ in range(4)] == [2, 1, 0, 0]
    here(Turns).late = 0.02  # as other programs have the processor
    assert [second(0.1, 0.1) for _ in range(4)] == [1, 2, 3, 3]
    assert [second(0.1, 0.005) for _ in range(4)] == [2, 1, 0, 0]


def test_a_socket_of_an_address_that_takes_turns_begins_with_nothing() -> None:
    async def open_two() -> None:
        budgets = TimeBudget(5.0), TimeBudget(5.0)
        payer = payer_of("192.0.2.1", "")
        payer.open(budgets[0])
        assert await payer.turn()
        payer.open(budgets[1])
        assert [budget.owed > 0 for budget in budgets] == [False, True]

    run(open_two)


@pytest.mark.parametrize(
    ("head", "session"),
    [
        (b"GET / HTTP/1.1\r\nCookie: a=b; sessionid=abc; c=d\r\n\r\n", "abc"),
        (b"sessionid=abc", "abc"),
        (b"GET / HTTP/1.1\r\nCookie: othersessionid=abc\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\n\r\n", ""),
    ],
)
def test_a_session_is_told_by_the_head(head: bytes, session: str) -> None:
    assert session_of(head) == session


def owed(server: Server, address: str) -> float:
    return float(ask(server, f"/account/{address}")["owed"])


def waiting(server: Server, address: str) -> int:
    return int(ask(server, f"/account/{address}")["waiting"])


@linux
def test_an_address_that_has_taken_too_much_waits_and_nobody_else_does(lab: Server) -> None:
    ask(lab, f"/account/{FLOODER}/hold")
    with contextlib.ExitStack() as stack:

        def come() -> Wire:
            wire = stack.enter_context(Wire(lab, FLOODER))
            wire.start("GET", "/plain/")
            return wire

        page, handshake, nonsense = (
            come(),
            stack.enter_context(Wire(lab, FLOODER)),
            stack.enter_context(Wire(lab, FLOODER)),
        )
        handshake.start(
            *("GET", "/echo", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        )
        nonsense.send(b"\x16\x03\x01\x02\r\n" * 10)
        until(lambda: waiting(lab, FLOODER) == 3)
        with Wire(lab, OTHER) as other:
            assert other.get("/plain/").status == 200
        assert not page.has_something(within=0)

        crowd = [come() for _ in range(MOST_WAITING)]
        refused = next(wire for wire in crowd[-3:] if wire.has_something(within=60))
        answer = refused.answer()
        assert (answer.status, answer.json["error"], answer.headers["retry-after"]) == (429, "rate_limited", "5")
        assert refused.is_ended()
        for wire in crowd:
            wire.close()

        ask(lab, f"/account/{FLOODER}/go")
        assert page.answer().status == 200
        assert handshake.line().startswith(b"HTTP/1.1 101 ")
        assert nonsense.line().startswith(b"HTTP/1.1 400 ")
    until(lambda: waiting(lab, FLOODER) == 0)


def test_behind_a_proxy_it_is_the_clients_address_that_counts(behind: Server) -> None:
    def start(address: str, wire: Wire) -> None:
        wire.start("GET", "/plain/", f"X-Forwarded-For: {address}")

    ask(behind, "/account/192.0.2.1/hold")
    with Wire(behind) as page, Wire(behind) as other, Wire(behind) as socket:
        start("192.0.2.1", page)
        until(lambda: waiting(behind, "192.0.2.1") == 1)
        start("192.0.2.2", other)
        assert other.answer().status == 200
        assert not page.has_something(within=0)
        ask(behind, "/account/192.0.2.1/go")
        assert page.answer().status == 200
        assert socket


@linux
def test_threads_are_on_the_account_and_so_is_what_a_socket_still_owes(lab: Server) -> None:
    before = owed(lab, "127.0.0.3")
    with Wire(lab, "127.0.0.3") as wire:
        assert wire.get("/burn").status == 200
    assert owed(lab, "127.0.0.3") >= before + 0.1
    with Wire(lab, "127.0.0.4") as wire:
        wire.start(
            *("GET", "/echo", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        )
        assert wire.line().startswith(b"HTTP/1.1 101 ")
        opened = owed(lab, "127.0.0.4")
        wire.send(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 50_000)
    until(lambda: owed(lab, "127.0.0.4") > opened + 0.01)
