"""A fleet that loses its machines: `python -m bench fleet`.

Three web processes and two workers that share no disk, with PostgreSQL, Redis and a bucket (moto), behind HAProxy
without stickiness: e2e/support/fleet.py. First visitors send as fast as they can, in pages of Chromium, by tus and in
numbered chunks, and nothing happens: that is what the bucket costs. Then they send over lines of their own. Every line
is cut once, every web process is killed in turn and replaced on an empty disk, a worker as well, and Redis and the
bucket are away for a while.

At last pages send straight into the bucket, and every web process is killed once more, and the bucket away.

Measured are, of each way in, the bytes sent of each file's, what was sent again for each loss, and how often one
started over, with the reason that its client was told; files that are lost or not what was sent, what is left that
nobody needs, and the seconds from the end of a process to the next byte of a page that the server has. A loss is a cut,
a kill or an outage by which a file's connection was lost, or its bytes refused.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from e2e.support import media
from e2e.support.deployment import Process, Web
from e2e.support.fleet import Fleet
from e2e.support.proxy import FaultProxy
from e2e.support.senders import Chunks, Direct, Page, Sender, Tus
from e2e.support.sending import random_file, sha256

from bench.support import browser
from bench.support.chromium import Browser, chromium
from bench.support.cost import MB, TICKS
from bench.support.tables import Scale, Table
from liveview.tests.ports import HOST
from liveview.tests.processes import until

LONG: Final = 600.0  # seconds
TAKING: Final = 60.0  # seconds from the last byte to a film, at most
AWAY: Final = 10.0  # seconds for which Redis and the bucket are, each
AGAIN: Final = 10.0  # MB that may be sent again for each loss: a tenth of a file of 100 MB
MOST: Final = 1.1  # of a file's bytes that may be sent for one loss, where it has 100 MB
PLAIN: Final = ("page", "tus", "chunks")


class Visitors:
    """So many of each way, each with a file and a line of their own. `rate` is in bytes a second."""

    def __init__(
        self,
        fleet: Fleet,
        chrome: Browser,
        folder: Path,
        count: int,
        size: int,
        rate: float | None,
        ways: Sequence[str] = PLAIN,
    ) -> None:
        self._stack = ExitStack()
        self._fleet, self._chrome, self._folder, self._size, self._rate = fleet, chrome, folder, size, rate
        self.all: list[Sender] = [self._sender(way, number) for way in ways for number in range(count)]
        self.pages = [each for each in self.all if isinstance(each, Page)]
        self.parcels = [each for each in self.all if isinstance(each, Chunks)]
        self.films = [each for each in self.all if each not in self.parcels]

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
        ended = {"ready", "failed"}
        with suppress(AssertionError):  # then they are lost
            until(lambda: all(self._fleet.films().get(film) in ended for film in films), within=TAKING, every=0.2)
        ready = {digest for digest, status in self._fleet.films().items() if status == "ready"}
        parcels = {sha256(sender.path) for sender in self.parcels}
        return sorted((films - ready) | (parcels - set(self._fleet.received())))

    def _sender(self, way: str, number: int) -> Sender:
        line = self._line()
        match way:
            case "tus":
                return Tus(line, self._film())
            case "chunks":
                return Chunks(line, random_file(self._new(".dat"), self._size, number))
        page = self._stack.enter_context(browser.opened(self._chrome, f"{line.url}/videos/", browser.LIVE))
        kind = Direct if way == "direct" else Page
        return kind(line, self._film(), page, lambda path: page.choose(browser.FILE, path))

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
        given = fleet, chrome, Path(folder), count, size
        _measure_losses(table, scale, Visitors(*given, rate), fleet)
        _measure_direct(table, scale, lambda: Visitors(*given, None, ("direct",)), fleet, rate)


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
    at = list[float]()  # when something was lost
    moved = list[float]()

    with visitors, _said("with losses"):
        until(lambda: all(each.line.bytes_up > each.size / 10 for each in visitors.all), within=LONG)
        at.append(time.time())
        for each in visitors.all:
            each.line.cut()
        kills = _kill_webs(fleet, visitors, at, moved, fleet.replace)
        fleet.workers[0].vanish()
        fleet.workers[0].start()
        _lose(at, away, fleet.redis.kill, fleet.redis.start)
        _lose(at, away, fleet.lose_bucket, fleet.bucket.clear)
        visitors.finish()
        lost = visitors.lost()
        told = f"{kills} web processes and a worker killed, {len(visitors.all)} cuts, two outages"
        _tell_of_loss(table, visitors, lost, told)
        for way in PLAIN:
            _tell_of_way(table, way, visitors, at)
    orphans = fleet.left()
    table.at_most("orphans", [len(orphans)], 0, "", ours="; ".join(orphans[:3]))
    table.at_most("a page moved again after", moved, 5, " s", of=statistics.median, ours=f"of {len(moved)}")


def _measure_direct(table: Table, scale: Scale, visitors: Callable[[], Visitors], fleet: Fleet, rate: float) -> None:
    """The rate is that at which a browser's parts are let through: nothing is between it and the bucket."""
    replace = partial(fleet.replace, UPLOADS_DIRECT="video")
    for web in list(fleet.webs):
        web.terminate()
        web.wait()
        replace(web)
    at = list[float]()

    def slow() -> None:
        fleet.bucket.clear()
        fleet.bucket.on("PUT", "X-Amz-Signature", lambda request: time.sleep(len(request.body) / rate))

    slow()
    with visitors() as sending, _said("straight into the bucket"):
        until(lambda: all(each.look() > each.size / 10 for each in sending.all), within=LONG)
        _kill_webs(fleet, sending, at, [], replace)
        _lose(at, scale.of(AWAY, 2.0), fleet.lose_bucket, slow)
        sending.finish()
        _tell_of_loss(table, sending, sending.lost(), f"straight into the bucket: {len(at) - 1} kills, an outage")
        _tell_of_way(table, "direct", sending, at)
    fleet.bucket.clear()
    orphans = fleet.left()
    table.at_most("orphans of direct ones", [len(orphans)], 0, "", ours="; ".join(orphans[:3]))


def _kill_webs(
    fleet: Fleet, visitors: Visitors, at: list[float], moved: list[float], replace: Callable[[Web], object]
) -> int:
    """Each in turn, and the next when every page has gone on; how many there were."""
    for web in list(fleet.webs):
        killed = time.time()
        at.append(killed)
        web.vanish()
        replace(web)
        until(lambda: all(page.moved_after(killed) < LONG for page in visitors.pages), within=LONG)  # noqa: B023
        moved += [page.moved_after(killed) for page in visitors.pages]
    return len(fleet.webs)


def _lose(at: list[float], seconds: float, take: Callable[[], object], give: Callable[[], object]) -> None:
    at.append(time.time())
    take()
    time.sleep(seconds)
    give()


def _tell_of_loss(table: Table, visitors: Visitors, lost: list[str], told: str) -> None:
    what = f"lost of {len(visitors.all)} × {visitors.all[0].size / MB:.0f} MB"
    table.at_most(what, [len(lost)], 0, " files", ours=told)


def _tell_of_way(table: Table, way: str, visitors: Visitors, at: Sequence[float]) -> None:
    sent = [each for each in visitors.all if each.way == way]
    for each in sent:
        print(each, file=sys.stderr, flush=True)
    hits = [each.hits(at) for each in sent]
    ratios = [each.sent / each.size for each in sent]
    over = sum(ratio > 1 + (MOST - 1) * max(1, hit) for ratio, hit in zip(ratios, hits, strict=True))
    told = f"lost {', '.join(map(str, hits))} times; {over} of {len(sent)} above {MOST} for each"
    table.note(f"{way}: sent of each file", told, values=ratios)
    again = [max(0, each.sent - each.size) / MB / max(1, hit) for each, hit in zip(sent, hits, strict=True)]
    table.at_most(f"{way}: sent again for each loss", again, AGAIN, " MB", of=max)
    why = [start for each in sent for start in each.starts]
    table.at_most(f"{way}: started over", [len(why)], 0, "", ours="; ".join(why))
