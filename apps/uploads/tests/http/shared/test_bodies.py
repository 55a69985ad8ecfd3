"""Bodies that Django collects have room on the disk, and a place among those that views read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from liveview import process
from liveview.process import here
from uploads.entries import quotas
from uploads.entries.quotas import Ledger
from uploads.http.shared import bodies
from uploads.http.shared.bodies import AT_ONCE, COPIES, SMALL, Collected
from uploads.tests.support import until

PIECE = bytes(SMALL)


@pytest.fixture(autouse=True)
def own_memory(folders: Any) -> Iterator[None]:
    before = process.begin()
    yield
    process.current().close()
    process._current = before


class Site:
    """Django as far as it is needed: it reads the whole body, then keeps its thread until it is let go."""

    def __init__(self) -> None:
        self.reading = self.most = 0
        self.read: list[int] = []
        self.go = asyncio.Event()
        self.ends = asyncio.Event()
        self.ends.set()
        self.awaited: list[int] = []

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            more = message["more_body"]
            self.awaited.append(here(Ledger).awaited)
        self.read.append(size)
        self.reading += 1
        self.most = max(self.most, self.reading)
        await self.go.wait()
        self.reading -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.ends.wait()


async def post(site: Site, pieces: int, address: str = "192.0.2.1", *, is_announced: bool = True) -> int:
    """A form of so many pieces; the status of the answer."""
    left, told = pieces, list[int]()

    async def receive() -> dict[str, Any]:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": PIECE, "more_body": left > 0}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])

    headers = [(b"content-length", str(pieces * len(PIECE)).encode())] if is_announced else []
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "client": (address, 1)}
    await Collected(site)(scope, receive, send)  # type: ignore[arg-type]
    return told[0]


async def several(is_so: Callable[[], bool]) -> None:
    """Lets others run until it is so."""
    await asyncio.to_thread(until, is_so)


async def test_a_body_is_awaited_before_its_first_byte_and_no_longer_than_it_is_there() -> None:
    site = Site()
    site.go.set()

    assert await post(site, 4) == 200
    size = 4 * len(PIECE)
    assert site.awaited == [size * COPIES - len(PIECE) * (number + 1) for number in range(4)]
    assert here(Ledger).awaited == 0


async def test_one_that_does_not_say_its_length_is_cut_off_when_there_is_no_room_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "STEP", len(PIECE))
    monkeypatch.setattr(quotas.disk_space, "room", lambda folder: 10 * len(PIECE))
    site = Site()
    site.go.set()

    assert await post(site, 3, is_announced=False) == 200
    assert await post(site, 10_000, is_announced=False) == 507
    assert here(Ledger).awaited == 0


async def test_a_crowd_is_read_a_few_at_a_time_and_one_address_leaves_places_for_others() -> None:
    site = Site()
    crowd = [asyncio.ensure_future(post(site, 2)) for _ in range(20)]
    other = asyncio.ensure_future(post(site, 2, "192.0.2.2"))
    await several(lambda: len(site.read) > AT_ONCE // 2)
    assert len(site.read) == AT_ONCE // 2 + 1  # the last of them is the other's
    site.go.set()
    assert await asyncio.gather(*crowd, other) == [200] * 21
    assert site.most == AT_ONCE // 2 + 1


async def test_who_waits_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.05)
    site = Site()
    crowd = [asyncio.ensure_future(post(site, 2)) for _ in range(AT_ONCE // 2)]
    await several(lambda: len(site.read) == AT_ONCE // 2)
    assert await post(site, 2) == 503
    site.go.set()
    assert await asyncio.gather(*crowd) == [200] * (AT_ONCE // 2)
    assert await post(site, 2) == 200


async def test_an_answer_that_takes_long_keeps_no_place() -> None:
    site = Site()
    site.go.set()
    site.ends.clear()
    crowd = [asyncio.ensure_future(post(site, 2)) for _ in range(AT_ONCE * 2)]

    await several(lambda: len(site.read) == AT_ONCE * 2)
    site.ends.set()
    assert await asyncio.gather(*crowd) == [200] * AT_ONCE * 2


async def test_short_bodies_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas.disk_space, "room", lambda folder: -1)
    site = Site()
    site.go.set()

    assert await post(site, 1) == 200
