"""A fleet that loses its machines: `python -m bench fleet`.

Three web processes and two workers that share no disk, with PostgreSQL, Redis and a bucket (moto), behind HAProxy
without stickiness: e2e/support/fleet.py. First visitors send as fast as they can, in pages of Chromium, by tus and in
numbered chunks, and nothing happens: that is what the bucket costs. Then they send over lines of their own. Every line
is cut once, every web process is killed in turn and replaced on an empty disk, a worker as well, and Redis and the
bucket are away for a while.

Measured are bytes that were sent again for each loss of a connection, files that are lost or not what was sent, what is
left that nobody needs, and the seconds from the end of a process to the next byte of a page that the server has.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from e2e.support import media
from e2e.support.deployment import Process
from e2e.support.fleet import Fleet
from e2e.support.proxy import FaultProxy
from e2e.support.senders import Chunks, Page, Sender, Tus
from e2e.support.sending import random_file, sha256

from bench.support import browser
from bench.support.chromium import Browser, chromium
from bench.support.cost import MB, TICKS
from bench.support.tables import Scale, Table
from liveview.tests.ports import HOST
from liveview.tests.processes import until

LONG: Final = 600.0  # seconds
AWAY: Final = 10.0  # seconds for which Redis and the bucket are, each
AGAIN: Final = 10.0  # MB that may be sent again for each loss: a tenth of a file of 100 MB


class Visitors:
    """So many of each way, each with a file and a line of their own. `rate` is in bytes a second."""

    def __init__(self, fleet: Fleet, chrome: Browser, folder: Path, count: int, size: int, rate: float | None) -> None:
        self._stack = ExitStack()
        self._fleet, self._chrome, self._folder, self._size, self._rate = fleet, chrome, folder, size, rate
        self.pages = [self._page(number) for number in range(count)]
        self.films: list[Sender] = [*self.pages, *(Tus(self._line(), self._film()) for _ in range(count))]
        self.parcels = [Chunks(self._line(), random_file(self._new(".dat"), size, n)) for n in range(count)]
        self.all: list[Sender] = [*self.films, *self.parcels]

    def __enter__(self) -> Visitors:
        for sender in self.all:
            sender.begin()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    @property
    def size(self) -> int:
        """Bytes of their files."""
        return sum(sender.size for sender in self.all)

    def finish(self) -> None:
        until(lambda: all(sender.is_done for sender in self.all), within=LONG, every=0.1)

    def lost(self) -> list[str]:
        """The files that aren't there as they were sent, and processed."""
        films = {sha256(sender.path) for sender in self.films}
        until(lambda: not [s for d, s in self._fleet.films().items() if d in films and s == "processing"], within=LONG)
        ready = {digest for digest, status in self._fleet.films().items() if status == "ready"}
        parcels = {sha256(sender.path) for sender in self.parcels}
        return sorted((films - ready) | (parcels - set(self._fleet.received())))

    def _page(self, number: int) -> Page:
        line = self._line()
        page = self._stack.enter_context(browser.opened(self._chrome, f"{line.url}/videos/", browser.LIVE))
        return Page(line, self._film(), page, lambda path: page.choose(browser.FILE, path))

    def _line(self) -> FaultProxy:
        return self._stack.enter_context(FaultProxy(HOST, self._fleet.haproxy.port, rate=self._rate))

    def _film(self) -> Path:
        path = self._new(".mp4")
        return media.padded(path, self._size, hash(path.name))

    def _new(self, extension: str) -> Path:
        return self._folder / f"{os.urandom(8).hex()}{extension}"


class Toll:
    """Seconds of the processor that processes, and those that they have started, have taken since it was made."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._groups = {int(re.findall(r"started \(pid=(\d+)\)", each.log_text())[-1]) for each in processes}
        self._before = self._now()

    def __call__(self) -> float:
        return self._now() - self._before

    def _now(self) -> float:
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            if int(fields[2]) in self._groups:
                total += sum(map(int, fields[11:15]))  # with what its children took that have ended
        return total / TICKS


@contextmanager
def _said(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def measure(table: Table, scale: Scale) -> None:
    webs, workers = scale.of((3, 2), (2, 1))
    with (
        tempfile.TemporaryDirectory(prefix="bench-fleet-") as folder,
        Fleet(Path(folder), webs=webs, workers=workers, LIVEVIEW_JOB_LEASE="6") as fleet,
        chromium() as chrome,
    ):
        _measure_cost(table, scale, Visitors(fleet, chrome, Path(folder), 1, scale.of(200 * MB, 6 * MB), None), fleet)
        count, size, rate = scale.of((3, 110 * MB, 4 * MB), (1, 12 * MB, 2 * MB))
        _measure_losses(table, scale, Visitors(fleet, chrome, Path(folder), count, size, rate), fleet)


def _measure_cost(table: Table, scale: Scale, visitors: Visitors, fleet: Fleet) -> None:
    toll, work, began = Toll(fleet.webs), Toll(fleet.workers), time.monotonic()
    with visitors, _said("as fast as they can"):
        visitors.finish()
        seconds, spent = time.monotonic() - began, toll()
        lost = visitors.lost()
        films = sum(sender.size for sender in visitors.films)
        speed = visitors.size / MB / seconds
        worked = work() / films * 1e9
    table.at_most("lost when nothing happens", [len(lost)], 0, " files")
    what = "web processes' processor, into the bucket"
    table.note(
        what, f"{speed:.0f} MB/s in all, with clients and bucket", values=[spent / visitors.size * 1e9], unit=" s/GB"
    )
    table.note("workers' processor", "films that are packed anew", values=[worked], unit=" s/GB")


def _measure_losses(table: Table, scale: Scale, visitors: Visitors, fleet: Fleet) -> None:
    away = scale.of(AWAY, 2.0)
    kills, moved = 0, list[float]()

    def lose(take: Callable[[], object], give: Callable[[], object]) -> None:
        take()
        time.sleep(away)
        give()

    with visitors, _said("with losses"):
        until(lambda: all(each.line.bytes_up > each.size / 10 for each in visitors.all), within=LONG)
        for each in visitors.all:
            each.line.cut()
        for web in list(fleet.webs):
            at = time.time()
            web.vanish()
            kills += 1
            fleet.replace(web)
            until(lambda: all(page.moved_after(at) < LONG for page in visitors.pages), within=LONG)  # noqa: B023
            moved += [page.moved_after(at) for page in visitors.pages]
        fleet.workers[0].vanish()
        kills += 1
        fleet.workers[0].start()
        lose(fleet.redis.kill, fleet.redis.start)
        lose(fleet.lose_bucket, fleet.bucket.clear)
        visitors.finish()
        lost = visitors.lost()
        again = [max(0, each.sent - each.size) / each.losses / MB for each in visitors.all if each.losses]
        ratios = [each.sent / each.size for each in visitors.all]
        restarts = sum(each.restarts for each in visitors.all)
        cuts = sum(each.losses for each in visitors.all)
    orphans = fleet.left()
    told = f"{kills} kills, {len(visitors.all)} cuts, {cuts} connections lost in all, {restarts} started over"
    table.at_most(f"lost of {len(visitors.all)} × {visitors.all[0].size // MB} MB", [len(lost)], 0, " files", ours=told)
    table.at_most("orphans", [len(orphans)], 0, "", ours="; ".join(orphans[:3]))
    table.note("bytes sent, of the files'", f"{sum(e.sent for e in visitors.all) / MB:.0f} MB sent", values=ratios)
    table.at_most("sent again for each loss", again, AGAIN, " MB", of=max)
    table.at_most("a page moved again after", moved, 5, " s", of=statistics.median, ours=f"of {len(moved)}")
