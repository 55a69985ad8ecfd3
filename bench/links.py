"""Chromium's upload over links of a rate and a delay: `python -m bench links`.

For each link, ours against one chunk of 64 kB at a time (Phoenix LiveView's scheme, a socket of its own that answers
each at once): MB/s of the file from its choice to the server's word that it has it, as a share of the link's rate. At
the same time the page of ours clicks four times a second, over the same socket, and counts the milliseconds to each
answer.

The site is served as a host does, with each client as one file: at the length of these lines, each further round trip
counts. The link is a proxy, bench/support/link.py. Both of its ways have the rate; half the delay is on each.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from e2e.support.sending import random_file
from e2e.support.server import Server

from bench.support import browser as ways
from bench.support import servers
from bench.support.chromium import Browser, chromium
from bench.support.cost import MB
from bench.support.link import link
from bench.support.tables import Rounds, Scale, Table, interleave

SLOW_FOR: Final = 5.0  # seconds of one chunk at a time, whose speed doesn't change


class Link(NamedTuple):
    """`size` is the bytes of the file that is sent; a bar of 0 is none."""

    mbits: int
    round_trip: int  # ms
    size: int
    share: float
    ratio: float
    clicks: tuple[int, int]  # ms above the round trip, at the median and at p95

    @property
    def rate(self) -> float:
        """Bytes per second."""
        return self.mbits * 125_000

    @property
    def name(self) -> str:
        return f"{self.mbits} Mbit/s, {self.round_trip} ms"


LINKS: Final = (
    Link(20, 50, 40 * MB, 0.97, 0, (40, 70)),
    Link(100, 100, 200 * MB, 0.97, 20, (0, 0)),
    Link(1000, 100, 1000 * MB, 0.9, 150, (0, 0)),
)

_CLICK = """() => {
  window.clicks_ = [];
  window.isOver_ = false;
  done_.finally(() => (isOver_ = true));
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  window.clicking_ = (async () => {
    while (!isOver_) {
      const start = performance.now();
      await liveview.event("click");
      clicks_.push(performance.now() - start);
      await wait(250);
    }
  })();
}"""


class Sample(NamedTuple):
    rate: float  # bytes per second
    clicks: tuple[float, ...] = ()  # ms
    frame: int = 0  # bytes, the mean

    def __str__(self) -> str:
        return f"{self.rate / MB:.2f} MB/s, {len(self.clicks)} clicks"


class Bench:
    def __init__(self, browser: Browser, port: int, file: Path, slow_for: float) -> None:
        self._browser, self._url, self._file = browser, f"http://127.0.0.1:{port}", file
        self._slow_for = slow_for

    def ours(self) -> Sample:
        with ways.opened(self._browser, f"{self._url}/bench/", ways.LIVE) as page:
            ways.begin(page, self._file)
            page.call(_CLICK)
            seconds = ways.finish(page)
            page.evaluate("clicking_")
            count, total = ways.frames(page)
            return Sample(self._file.stat().st_size / seconds, tuple(page.evaluate("clicks_")), total // count)

    def acks(self) -> Sample:
        with ways.opened(self._browser, f"{self._url}/healthz") as page:
            size, seconds = ways.acks(page, self._file, self._slow_for)
            return Sample(size / seconds)


def measured(kind: Link, scale: Scale, browser: Browser, server: Server) -> Rounds[Sample]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        link(server.port, rate=kind.rate, round_trip=kind.round_trip / 1000) as port,
    ):
        file = random_file(Path(folder) / "file.dat", scale.of(kind.size, MB))
        bench = Bench(browser, port, file, scale.of(SLOW_FOR, 0.2))
        variants: dict[str, Callable[[], Sample]] = {"ours": bench.ours, "acks": bench.acks}
        return interleave(variants, scale.rounds)


def report(table: Table, kind: Link, rounds: Rounds[Sample]) -> None:
    rate, slow = (rounds.median(name, _rate) for name in ("ours", "acks"))
    frame = rounds.median("ours", lambda sample: sample.frame)
    ours, peer = f"{rate / MB:.1f} MB/s in frames of {frame / 1024:.0f} KiB", f"{slow / MB:.2f} MB/s"
    shares = rounds.each("ours", lambda sample: sample.rate / kind.rate)
    table.at_least(f"{kind.name}: share of the link", shares, kind.share, ours=ours, peer=f"{kind.rate / MB:g} MB/s")
    what, ratios = f"{kind.name}: of one chunk at a time", rounds.ratios("ours", "acks", _rate)
    if kind.ratio:
        table.at_least(what, ratios, kind.ratio, ours=ours, peer=peer)
    else:
        table.note(what, ours, peer, ratios)
    clicks = [click for sample in rounds.samples["ours"] for click in sample.clicks]
    middle, late = statistics.median(clicks), statistics.quantiles([*clicks, clicks[-1]], n=20)[-1]
    told = f"median {middle:.0f} ms, p95 {late:.0f} ms of {len(clicks)}"
    if any(kind.clicks):
        bars = [kind.round_trip + above for above in kind.clicks]
        table.at_most(f"{kind.name}: a click meanwhile, median", [middle], bars[0], " ms", ours=told)
        table.at_most(f"{kind.name}: a click meanwhile, p95", [late], bars[1], " ms", ours=told)
    else:
        table.note(f"{kind.name}: a click meanwhile", told)


def measure(table: Table, scale: Scale) -> None:
    with servers.site(debug=False) as server, chromium() as browser:
        for kind in LINKS:
            report(table, kind, measured(kind, scale, browser, server))


def _rate(sample: Sample) -> float:
    return sample.rate
