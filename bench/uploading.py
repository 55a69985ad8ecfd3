"""From Chromium to the server's disk: `python -m bench uploading`.

MB/s, processor seconds of the server per GB, and its memory above idle, of one file (300 MB) over loopback:

- ours: a page's upload over its WebSocket, with SHA-256, written, checked and consumed by a handler;
- sink: a bare WebSocket on the same daphne, which counts frames as long as ours and drops them;
- acks: one chunk of 64 kB at a time, the next when the last is answered, as Phoenix LiveView does it; nothing is
  written (a third of the size);
- djust: djust 1.2.6 with its limits lifted, which has no SHA-256;
- form: a multipart POST to stock daphne, read and hashed by a bare application (a third of the size: it needs more
  than ten times its size in memory).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from e2e.support.sending import random_file
from e2e.support.server import Server

from bench.support import browser as ways
from bench.support import servers
from bench.support.chromium import Browser, chromium
from bench.support.cost import MB, MIB, Meter, Sample
from bench.support.tables import Rounds, Scale, Sides, Table, interleave
from liveview.tests.processes import Program

Start: TypeAlias = Callable[[], None]  # called when the page is there and the upload begins
Send: TypeAlias = Callable[[Path, Start], float]  # seconds

FRAME: Final = MIB - 1024  # bytes of the sink's frames; ours get as long on a fast link, and the table tells how long


class Bench:
    """The browser and the files; a method for each way, called with its server."""

    def __init__(self, browser: Browser, folder: Path, size: int) -> None:
        self._browser = browser
        self._file = random_file(folder / "file.dat", size)
        self._small = random_file(folder / "small.dat", MB)
        self._third = random_file(folder / "third.dat", size // 3)
        self._meters: dict[str, Meter] = {}
        self.frames = (0, 0)

    def ours(self, server: Server) -> Sample:
        def send(file: Path, start: Start) -> float:
            with ways.opened(self._browser, f"{server.url}/bench/", ways.LIVE) as page:
                start()
                ways.begin(page, file)
                seconds = ways.finish(page)
                self.frames = max(self.frames, ways.frames(page))
                return seconds

        return self._measure("ours", server, self._file, send)

    def djust(self, server: servers.Djust) -> Sample:
        def send(file: Path, start: Start) -> float:
            with ways.opened(self._browser, server.url, ways.LIVE_DJUST) as page:
                start()
                ways.begin(page, file)
                return ways.finish(page)

        return self._measure("djust", server, self._file, send)

    def sink(self, server: Server) -> Sample:
        def send(file: Path, start: Start) -> float:
            with ways.opened(self._browser, f"{server.url}/healthz") as page:
                start()
                return ways.sink(page, file, FRAME)

        return self._measure("sink", server, self._file, send)

    def acks(self, server: Server) -> Sample:
        def send(file: Path, start: Start) -> float:
            with ways.opened(self._browser, f"{server.url}/healthz") as page:
                start()
                return ways.acks(page, file)[1]

        return self._measure("acks", server, self._third, send)

    def form(self, server: Program) -> Sample:
        def send(file: Path, start: Start) -> float:
            with ways.opened(self._browser, f"http://127.0.0.1:{server.port}/public/") as page:
                start()
                return ways.post(page, file, "/sink/bench")

        return self._measure("form", server, self._third, send)

    def _measure(self, name: str, server: Program, file: Path, send: Send) -> Sample:
        if name not in self._meters:
            send(self._small, lambda: None)  # what a first upload loads stays loaded
            self._meters[name] = Meter(server.pid)
        meter = self._meters[name]
        seconds = send(file, meter.start)
        return meter.stop(file.stat().st_size, seconds)


def compare(size: int, scale: Scale) -> tuple[Rounds[Sample], int, str]:
    """The samples, the mean length of our frames in bytes, and why djust is missing, if it is."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        bench = Bench(stack.enter_context(chromium()), folder, size)
        variants: dict[str, Callable[[], Sample]] = {
            "ours": partial(bench.ours, stack.enter_context(servers.site())),
            "sink": partial(bench.sink, stack.enter_context(servers.site())),
            "acks": partial(bench.acks, stack.enter_context(servers.site())),
            "form": partial(bench.form, stack.enter_context(servers.stock_lab())),
        }
        missing = ""
        try:
            variants["djust"] = partial(bench.djust, stack.enter_context(servers.djust(scale)))
        except servers.NoDjust as reason:
            missing = str(reason)
        rounds = interleave(variants, scale.rounds)
        count, total = bench.frames
        return rounds, total // count, missing


def measure(table: Table, scale: Scale) -> None:
    rounds, frame, missing = compare(scale.of(300, 3) * MB, scale)

    def show(name: str) -> str:
        rate, work = (rounds.median(name, number) for number in (_rate, _work))
        return f"{rate:.0f} MB/s, {work:.2f} s/GB, +{max(rounds.each(name, _memory)):.0f} MiB"

    ours = show("ours")

    def sides(*, peer: str) -> Sides:
        return {"ours": ours, "peer": peer}

    table.at_least("speed, of a bare sink", rounds.ratios("ours", "sink", _rate), 0.85, **sides(peer=show("sink")))
    table.note("speed, of one chunk at a time", ours, show("acks"), rounds.ratios("ours", "acks", _rate))
    if missing:
        table.note(f"djust could not be measured: {missing}", "")
    else:
        djust = sides(peer=show("djust"))
        table.at_least("speed, of djust", rounds.ratios("ours", "djust", _rate), 6, **djust)
        table.at_most("server's processor, of djust's", rounds.ratios("ours", "djust", _work), 0.2, **djust)
    table.at_most("the same, of a form's", rounds.ratios("ours", "form", _work), 0.06, **sides(peer=show("form")))
    table.at_most("server's memory above idle", rounds.each("ours", _memory), 8, " MiB", ours=ours, of=max)
    table.note("mean frame of ours, and the sink's", f"{frame // 1024} KiB", f"{FRAME // 1024} KiB")


def _rate(sample: Sample) -> float:
    return sample.rate


def _work(sample: Sample) -> float:
    return sample.work


def _memory(sample: Sample) -> float:
    return sample.memory / MIB
