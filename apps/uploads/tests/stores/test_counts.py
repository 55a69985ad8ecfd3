"""What is counted for all processes, in a real Redis: by two that count, and by two servers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from liveview.process import current, here
from liveview.tests.processes import Start, served
from liveview.tests.redis import Redis
from uploads.entries.quotas import Awaited, Ledger
from uploads.errors import UploadError
from uploads.http.chunked.endpoint import Chunk, Coming
from uploads.staging import disk_space
from uploads.stores import counts as module
from uploads.stores.counts import AllCounts, Claim, Counts, Refused, site_counts
from uploads.tests.http.ways import tus
from uploads.tests.http.ways.server import Server
from uploads.tests.support import until

ROOM = 1_000_000

redis = served(Redis)


@pytest.fixture
def empty(redis: Redis) -> Redis:
    with redis.connected() as connection:
        connection.sendall(b"FLUSHALL\r\n")
        connection.recv(16)
    return redis


@pytest.fixture
def make(empty: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Counts]]:
    """A process that counts, and tells at once what has changed."""
    monkeypatch.setattr(module, "TELL_AFTER", 0.0)
    made: list[Counts] = []

    def counting() -> Counts:
        made.append(Counts(empty.url))
        return made[-1]

    yield counting
    for counts in made:
        counts.close()


def claim(counts: Counts, item: str, amount: int, most: float = 1000, most_items: float = 100) -> list[int] | None:
    return counts.take([Claim("eve", item, amount, most, most_items)])


def refuses(counts: Counts, item: str, amount: int, most: float = 1000, most_items: float = 100) -> bool:
    try:
        claim(counts, item, amount, most, most_items)
    except Refused:
        return True
    counts.drop("eve", item)
    counts._tell()
    return False


def test_processes_count_together_and_refuse_what_is_too_much(make: Callable[[], Counts]) -> None:
    one, other = make(), make()

    assert claim(one, "a", 600) == [600]
    assert claim(other, "b", 300) == [900]
    assert refuses(one, "c", 101)
    assert refuses(other, "c", 1, most_items=2)
    assert claim(one, "a", 700) == [1000]
    assert other.take([Claim("bob", "d", 1000, 1000)]) == [1000]


def test_of_many_who_ask_at_once_nobody_gets_too_much(make: Callable[[], Counts]) -> None:
    both = make(), make()
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda number: _gets(both[number % 2], str(number)), range(100)))

    assert said.count(True) == 10


def _gets(counts: Counts, item: str) -> bool:
    try:
        return claim(counts, item, 100) is not None
    except Refused:
        return False


def test_all_claims_are_taken_or_none(make: Callable[[], Counts]) -> None:
    counts = make()
    with pytest.raises(Refused):
        counts.take([Claim("{one} a", "x", 10), Claim("{one} b", "x", 10, most=5)])

    assert counts.take([Claim("{one} a", "y", 1)]) == [1]


def test_what_a_process_had_is_given_back_when_it_is_gone(
    make: Callable[[], Counts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIFE", 0.6)
    monkeypatch.setattr(module, "RENEW_EVERY", 0.1)
    gone, stays = make(), make()
    claim(gone, "a", 600)
    claim(stays, "b", 300)
    gone.close()

    until(lambda: not refuses(stays, "c", 700))
    assert refuses(stays, "c", 701)  # what it has itself is held for as long as it lives


def test_what_is_parked_counts_until_its_time_is_over_and_is_whose_who_takes_it(make: Callable[[], Counts]) -> None:
    one, other = make(), make()
    claim(one, "a", 600)
    one.park("eve", "a", 600, 0.3)
    one._tell()
    assert refuses(other, "b", 401)
    until(lambda: not refuses(other, "b", 1000))

    claim(one, "c", 600)
    one.park("eve", "c", 600, 60)
    one._tell()
    assert claim(other, "c", 600) == [600]
    one.drop("eve", "c")  # whoever had it before has no say any more
    one.park("eve", "c", 600, 0.001)
    one._tell()
    assert refuses(one, "d", 401)
    other.drop("eve", "c")
    other._tell()
    assert not refuses(one, "d", 1000)


def test_bytes_that_came_to_another_process_count_as_well(make: Callable[[], Counts]) -> None:
    one, other = make(), make()
    claim(one, "a", 600)
    one.change("eve", "a", -100)
    one.park("eve", "a", 500, 60)
    one._tell()
    other.change("eve", "a", -200)
    other._tell()

    assert claim(other, "b", 700) == [1000]
    other.change("eve", "b", -800)
    other.drop("eve", "b")  # of which nothing is left
    assert claim(other, "c", 700) == [1000]
    assert not one.is_away and not other.is_away


def test_a_redis_that_is_away_is_not_asked_again_and_again_and_is_told_what_it_has_lost(
    empty: Redis, make: Callable[[], Counts], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "AWAY", 0.2)
    one, other = make(), make()
    claim(one, "a", 600)
    empty.kill()

    assert claim(one, "b", 300) is None
    assert one.is_away
    assert one.pace("eve", 1, 1) is None
    one.drop("eve", "a")
    empty.start()  # with nothing in it

    until(lambda: claim(other, "c", 100) is not None)
    until(lambda: refuses(other, "d", 601) and not refuses(other, "d", 600))
    assert [record.levelname for record in caplog.records].count("WARNING") <= 2  # one each


def test_many_items_of_an_account_are_told_in_few_words(
    make: Callable[[], Counts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 100)
    monkeypatch.setattr(Counts, "_work", lambda self: None)  # nothing is told by itself
    one, other = make(), make()
    for number in range(250):
        one.hold("eve", f"{number}", 2)
    assert len(one._changes()) == 3
    one._renew_soon()
    one._tell()

    assert claim(other, "x", 500, most_items=1000) == [1000]


def test_a_pace_is_that_of_all_processes(make: Callable[[], Counts]) -> None:
    one, other = make(), make()
    said = [counts.pace("eve", 1, 10) for counts in (one, other) * 10]

    assert said.count(True) in (10, 11)  # a slow machine takes its time
    assert one.pace("bob", 1, 10)


# The ledger


def test_what_is_told_again_as_the_answer_was_lost_counts_once(
    make: Callable[[], Counts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the driver at once, or by us later."""
    first, second = make(), make()
    really, losses = second._send, [1, 1]

    def send(commands: Any) -> list[Any]:
        really(commands)
        found = really(commands)
        if losses and any(script is module._CHANGE for script, _, _ in commands):
            losses.pop()
            raise ConnectionError
        return found

    monkeypatch.setattr(second, "_send", send)
    monkeypatch.setattr(module, "AWAY", 0.01)
    assert claim(first, "film", 100) == [100]
    for _ in range(2):
        second.change("eve", "film", -20)

    def is_told() -> bool:
        second._tell_soon()
        return not losses and not second._untold

    until(is_told)
    assert claim(first, "other", 0) == [60]
    second.park("eve", "song", 5, 60)
    assert claim(second, "book", 1) == [66]
    second.drop("eve", "song")
    assert claim(second, "book", 1) == [61]

    assert [second.pace("eve", 0.001, 2) for _ in range(3)] == [True, True, False]


@pytest.fixture
def ledger(folders: Any, settings: Any, empty: Redis, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Of a process that shares a disk and a Redis."""
    settings.REDIS_URL = empty.url
    settings.UPLOADS |= {"OWNER_BYTES": ROOM, "OWNER_FILES": 100}
    monkeypatch.setattr(module, "TELL_AFTER", 0.0)
    return here(Ledger)


def asked(ledger: Ledger, owner: str, upload_id: str, size: int, **disk: int) -> str:
    try:
        ledger.reserve(owner, upload_id, size, **disk)
    except UploadError as refused:
        return refused.code
    return ""


def test_a_visitor_is_counted_on_as_before_while_redis_is_away_and_a_disk_is_not_trusted_to_luck(
    ledger: Ledger, empty: Redis
) -> None:
    assert asked(ledger, "eve", "1", 1000, awaited=1000, room=ROOM) == ""
    empty.kill()
    try:
        assert asked(ledger, "eve", "2", ROOM - 1000) == ""
        assert asked(ledger, "eve", "3", 1) == "quota"
        assert asked(ledger, "bob", "4", 10, awaited=10, room=ROOM) == ""
        assert asked(ledger, "ada", "5", 100_000, awaited=100_000, room=ROOM) == "storage_unavailable"
        assert asked(ledger, "bob", "6", 10, awaited=10, room=ROOM) == ""
        with pytest.raises(UploadError) as refused, Awaited("somebody") as body:
            body.reserve(10**18)
        assert refused.value.code == "storage_unavailable"
    finally:
        empty.start()
    assert ledger.awaited == 1020


def test_a_disk_is_shared_by_processes_as_fairly_as_by_visitors(ledger: Ledger, make: Callable[[], Counts]) -> None:
    """Another process of the same folder has as much for somebody as this one."""
    assert asked(ledger, "bob", "1", 1000, awaited=1000, room=ROOM) == ""
    other = make()
    disk, eves = ledger._shared._disks("eve")
    other.take([Claim(disk, "x", 500_000), Claim(eves, "x", 500_000)])

    assert asked(ledger, "eve", "2", 200_000, awaited=200_000, room=ROOM) == "busy"
    assert asked(ledger, "ada", "3", 600_000, awaited=600_000, room=ROOM) == "storage_full"
    assert asked(ledger, "ada", "3", 200_000, awaited=200_000, room=ROOM) == ""
    other.change(disk, "x", -400_000)
    other._tell()
    assert asked(ledger, "cleo", "4", 600_000, awaited=600_000, room=ROOM) == ""


def test_a_refused_change_leaves_what_was_counted(ledger: Ledger, make: Callable[[], Counts]) -> None:
    ledger.park("1", ledger.reserve("eve", "1", 900_000), 60)
    assert asked(ledger, "eve", "1", ROOM + 1) == "quota"

    counts = site_counts()
    assert counts is not None
    counts._tell()
    assert asked(ledger, "eve", "2", 100_001) == "quota"
    assert asked(ledger, "eve", "1", ROOM) == ""
    ledger.release("eve", "1", None)
    assert asked(ledger, "eve", "2", 100_001) == "quota"  # that is live: it goes on


def test_a_process_that_has_just_begun_gives_back_what_another_has_parked(
    ledger: Ledger, make: Callable[[], Counts]
) -> None:
    ledger.park("1", ledger.reserve("eve", "1", ROOM, awaited=1000, room=ROOM), 60, awaited=1000)
    told = site_counts()
    assert told is not None
    told._tell()
    disk = f"disk:{{{disk_space.name()}}}"
    for kind in (Ledger, AllCounts):
        current().forget(kind)

    here(Ledger).written_to("eve", "1", 400)
    until(lambda: make().take([Claim(disk, "x", 0)]) == [600])
    here(Ledger).release("eve", "1", None)
    until(lambda: make().take([Claim(disk, "x", 0)]) == [0])
    assert asked(here(Ledger), "eve", "2", ROOM) == ""


# A Redis that takes a connection and says nothing


@pytest.fixture
def hung(ledger: Ledger, empty: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """It is until that is called."""
    monkeypatch.setattr(module, "TIMEOUT", 60.0)
    os.kill(empty.pid, signal.SIGSTOP)
    yield lambda: os.kill(empty.pid, signal.SIGCONT)
    os.kill(empty.pid, signal.SIGCONT)


async def test_a_chunk_that_comes_twice_holds_up_nobody_while_redis_is_asked(hung: Callable[[], None]) -> None:
    coming, chunk = Coming(), Chunk("twice", 0, 3, "a.dat", 25_000, 10_000)

    async def again() -> None:
        async with coming.enter("id", chunk, "eve"):
            assert here(Ledger).of("eve") == (10_000, 1)

    async with coming.enter("id", chunk, "eve"):
        second = asyncio.create_task(again())
        await asyncio.sleep(0.05)
        assert not second.done()  # the event loop goes on meanwhile
        hung()
        await second
    assert here(Ledger).of("eve") == (0, 0)


def test_a_body_that_is_cut_off_holds_up_nobody_while_redis_is_asked(hung: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as thread:
        with Awaited("somebody") as body:
            asking = thread.submit(body.reserve, 1000)
            until(body._lock.locked)
        assert not asking.done()  # the end of the body, on the event loop, hasn't waited
        hung()
        asking.result(60)

    assert here(Ledger).awaited == 0
    counts = site_counts()
    assert counts is not None
    until(lambda: not any(counts._held.values()))


# Two servers


def test_two_servers_count_their_visitors_together(empty: Redis, start: Start) -> None:
    server: Server = start(Server, processes=2, redis_url=empty.url, OWNER_BYTES=10_000, OWNER_FILES=0)
    (other,) = server.twins
    first = tus.create(server, 6000)

    assert made(other, 4001) == (403, "quota")
    assert tus.patch(other, first, 0, b"x" * 3000).status == 204  # goes on there, and counts once
    assert made(server, 4000) == (201, "")
    assert made(other, 1) == (403, "quota")
    assert other.ask("DELETE", first, tus.TUS).status == 204
    until(lambda: made(server, 6000) == (201, ""))

    pace = f"upload-paces:{module.name_of('127.0.0.1')}"
    Counts(empty.url)._redis.set(pace, f"{time.time() * 1000 + 3600_000} another")
    assert made(other, 1) == (429, "rate_limited")


def made(at: Server, size: int) -> tuple[int, str]:
    answer = at.ask("POST", "/tus/", {**tus.TUS, "Upload-Length": str(size)})
    return answer.status, json.loads(answer.body)["error"] if answer.body else ""
