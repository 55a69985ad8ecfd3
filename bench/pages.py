"""Many open pages: `python -m bench pages`.

- A thousand pages of a hundred visitors with sessions, that do nothing: the server's memory for each, and its processor
  at rest, in per cent of a core.
- Fifty clicks a second for a minute, on a hundred pages in turns: the milliseconds to each answer.
- The same of djust 1.2.6.
- A storm: the server is killed and started again, and five hundred pages come back within a second, twenty of them in
  the midst of an upload that can be resumed. The seconds until every one of them is live, from the first one's attempt,
  and how many of the files are shown with the SHA-256 that they had before they were sent.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias

from e2e.support.server import Server

from bench.support import servers
from bench.support.client import Visitor
from bench.support.cost import MB, MIB, Meter
from bench.support.djust_client import DjustVisitor
from bench.support.pages import cookies
from bench.support.tables import Scale, Table

EACH: Final = 10  # pages of a visitor
SETTLES: Final = 2.0  # seconds until nothing happens any more
LOOK_EVERY: Final = 5.0  # seconds between two looks at what the server has sent, pings among it
AT_ONCE: Final = 100  # threads that open pages after the storm
WITHIN: Final = 1.0  # seconds in which all have asked
HALF: Final = 2  # of what share of a file is sent before the storm
CLICKERS: Final = 20  # threads that click
RATE: Final = 50  # clicks a second


class Page(Protocol):
    """A mounted page of ours or djust's."""

    def __enter__(self) -> Page: ...
    def __exit__(self, *error: object) -> None: ...
    def click(self) -> object: ...
    def listen(self) -> None: ...


Opens: TypeAlias = Callable[[], Page]


class Side(NamedTuple):
    """What was measured of ours or djust's: KiB of an idle page, per cent of a core, and milliseconds of clicks."""

    memory: float
    processor: float
    clicks: list[float]

    @classmethod
    def of(cls, pid: int, opens: Sequence[Opens], scale: Scale) -> Side:
        """`opens` opens each of the idle pages. Those that are clicked at are as many as there are visitors."""
        with opens[0]() as first:
            first.click()  # what a first page loads stays loaded
        memory, processor = idle(pid, opens, scale.of(SETTLES, 0.1), scale.of(20.0, 0.5))
        with ExitStack() as stack:
            pages = [stack.enter_context(open_page()) for open_page in opens[::EACH]]
            return cls(memory, processor, clicked(pages, RATE, scale.of(60.0, 0.5)))

    @property
    def late(self) -> float:
        """Milliseconds, the 95th percentile."""
        return statistics.quantiles(self.clicks, n=20)[-1]

    def told(self) -> str:
        return f"median {statistics.median(self.clicks):.1f} ms, p95 {self.late:.1f} ms"


def idle(pid: int, opens: Sequence[Opens], settles: float, seconds: float) -> tuple[float, float]:
    """KiB of a page, and per cent of a core in so many seconds, after those in which it settles."""
    meter = Meter(pid)
    meter.start()
    with ExitStack() as stack:
        pages = [stack.enter_context(open_page()) for open_page in opens]
        time.sleep(settles)
        memory = meter.stop(0, 1).memory / 1024 / len(pages)
        meter.start()
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_EVERY))
            for page in pages:
                page.listen()
        return memory, 100 * meter.stop(0, 1).cpu / (time.monotonic() - began)


def clicked(pages: Sequence[Page], rate: int, seconds: float) -> list[float]:
    """Milliseconds to each answer, from when the click was due: each thread has pages of its own."""
    began, threads = time.monotonic(), min(CLICKERS, len(pages))

    def click(thread: int) -> list[float]:
        own, took = itertools.cycle(pages[thread::threads]), []
        for number in range(thread, int(rate * seconds), threads):
            due = began + number / rate
            time.sleep(max(0.0, due - time.monotonic()))
            next(own).click()
            took.append((time.monotonic() - due) * 1000)
        return took

    with ThreadPoolExecutor(threads) as pool:
        return list(itertools.chain.from_iterable(pool.map(click, range(threads))))


class Storm:
    """Pages that lose their server, and come back: ten from each address, as visitors do."""

    def __init__(self, server: Server, count: int, files: int, size: int) -> None:
        self._server, self._data = server, [os.urandom(size) for _ in range(files)]
        self._cookies = [*cookies(server, files), *[""] * (count - files)]
        self._sources = [f"127.0.{3 + number // EACH // 200}.{1 + number // EACH % 200}" for number in range(count)]
        with ExitStack() as stack:
            pages = [stack.enter_context(self._page(number)) for number in range(count)]
            self._ids = [self._begin(page, data) for page, data in zip(pages, self._data, strict=False)]
            server.kill()
        server.start()
        began = time.monotonic()

        def come_back(number: int) -> Visitor:
            time.sleep(max(0.0, began + number / count * WITHIN - time.monotonic()))
            return stack.enter_context(self._page(number))

        with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as threads:
            back = list(threads.map(come_back, range(count)))
            self.seconds = time.monotonic() - began
            self.exact = sum(map(self._go_on, back, self._ids, self._data))

    def _page(self, number: int) -> Visitor:
        source = self._sources[number]
        return Visitor(self._server.port, "/bench/?resumable", cookie=self._cookies[number], source=source)

    def _begin(self, page: Visitor, data: bytes) -> str:
        channel = page.register("file", "file.dat", len(data))
        page.send_file(channel, memoryview(data)[: len(data) // HALF])
        return page.upload_id

    def _go_on(self, page: Visitor, upload_id: str, data: bytes) -> bool:
        channel, offset = page.resume("file", upload_id, len(data))
        page.send_file(channel, memoryview(data), start=offset)
        page.wait_for(hashlib.sha256(data).hexdigest())
        return True


def ours(server: Server, count: int, scale: Scale) -> Side:
    given = cookies(server, count // EACH)
    opens = [partial(Visitor, server.port, "/bench/", cookie=cookie) for cookie in given for _ in range(EACH)]
    return Side.of(server.pid, opens, scale)


def djusts(count: int, scale: Scale) -> Side | str:
    """Or why it is missing."""
    try:
        with servers.djust(scale) as server:
            return Side.of(server.pid, [partial(DjustVisitor, server.port)] * count, scale)
    except servers.NoDjust as reason:
        return str(reason)


def measure(table: Table, scale: Scale) -> None:
    count, (pages, files) = scale.of(1000, 20), scale.of((500, 20), (10, 2))
    with servers.site(env={"UPLOADS_LEASE": scale.of("3", "1")}) as server:
        mine = ours(server, count, scale)
        storm = Storm(server, pages, files, scale.of(4 * MIB, MB))
    its = djusts(count, scale)
    if isinstance(its, str):
        table.note(f"djust could not be measured: {its}", "")
        peer = {"memory": "", "processor": "", "clicks": ""}
    else:
        peer = {"memory": f"{its.memory:.0f} KiB", "processor": f"{its.processor:.1f} %", "clicks": its.told()}
    table.at_most(f"{count} idle pages, each", [mine.memory], 68, " KiB", peer=peer["memory"])
    table.at_most("the same, of a core at rest", [mine.processor], 2, " %", peer=peer["processor"])
    table.at_most(f"{RATE} clicks a second, p95", [mine.late], 50, " ms", ours=mine.told(), peer=peer["clicks"])
    table.at_most(f"a storm of {pages} pages: all live", [storm.seconds], 5, " s")
    table.at_least("the same: files that are whole", [storm.exact], files, "")
