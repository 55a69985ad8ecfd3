"""What a process remembers is made once, belongs to it, and goes with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from liveview import process, threads
from liveview.process import Process, here


class Notes:
    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.text = ""


class Index:
    def __init__(self) -> None:
        self.notes = here(Notes)


@pytest.fixture(autouse=True)
def own_memory() -> Iterator[None]:
    before = process.begin()
    Notes.made = 0
    yield
    process._current = before


def test_each_kind_is_made_once_also_by_many_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: here(Notes), range(200)))

    assert len(found) == 1
    assert Notes.made == 1


def test_one_kind_may_ask_for_another_while_it_is_made() -> None:
    assert here(Index).notes is here(Notes)
    assert set(process.current().kinds) == {Index, Notes}


def test_a_crash_forgets_everything() -> None:
    here(Notes).text = "remembered"

    process.begin()

    assert here(Notes).text == ""


def test_threads_end_with_the_memory_that_held_them() -> None:
    thread = asyncio.run(threads.run(threading.current_thread))

    process.begin()

    thread.join(30)
    assert not thread.is_alive()


def test_threads_that_are_closed_do_what_they_were_asked_for() -> None:
    async def close_while_running() -> str:
        work = asyncio.ensure_future(threads.run(lambda: gate.wait(30) and "done"))
        await asyncio.sleep(0)
        process.current().close()
        gate.set()
        return await work

    gate = threading.Event()

    assert asyncio.run(close_while_running()) == "done"


def test_what_holds_resources_is_closed_with_its_process() -> None:
    closed = []

    class Pool:
        def close(self) -> None:
            closed.append(self)

    memory = Process()
    pool = memory.get(Pool)
    memory.get(Notes)

    memory.close()

    assert closed == [pool]
