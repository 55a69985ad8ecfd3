"""Does anything grow with the file? `python -m bench growing`.

The server's memory above idle, and the heap of the page's JavaScript, while Chromium uploads a file of 1 GB, against
one of a tenth: the most of each, in MiB. The heap is what lives: it is collected before each look, twice a second.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from e2e.support.sending import random_file
from e2e.support.server import Server

from bench.support import browser as ways
from bench.support import servers
from bench.support.chromium import Browser, chromium
from bench.support.cost import MB, MIB, Meter
from bench.support.tables import Scale, Sides, Table, interleave

EVERY: Final = 0.5  # seconds between two looks
_TELL_WHEN_OVER = "() => { window.over_ = false; done_.finally(() => (over_ = true)).catch(() => {}); }"


class Sample(NamedTuple):
    server: float  # MiB above idle
    heap: float  # MiB


def upload(browser: Browser, server: Server, meter: Meter, file: Path) -> Sample:
    with ways.opened(browser, f"{server.url}/bench/", ways.LIVE) as page:
        meter.start()
        ways.begin(page, file)
        page.call(_TELL_WHEN_OVER)
        heap = 0.0
        while not page.evaluate("over_"):
            page.send("HeapProfiler.collectGarbage")
            heap = max(heap, page.send("Runtime.getHeapUsage")["usedSize"] / MIB)
            time.sleep(EVERY)
        return Sample(meter.stop(file.stat().st_size, ways.finish(page)).memory / MIB, heap)


def measure(table: Table, scale: Scale) -> None:
    size = scale.of(1000, 20) * MB
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        large, small = random_file(folder / "large.dat", size), random_file(folder / "small.dat", size // 10)
        server = stack.enter_context(servers.site())
        browser = stack.enter_context(chromium())
        upload(browser, server, Meter(server.pid), random_file(folder / "tiny.dat", MB))
        meter = Meter(server.pid)
        variants: dict[str, Callable[[], Sample]] = {
            name: partial(upload, browser, server, meter, file) for name, file in (("large", large), ("small", small))
        }
        rounds = interleave(variants, scale.rounds)
    ours, tenth = (rounds.each(name, _server) for name in ("large", "small"))
    sides: Sides = {"ours": f"+{max(ours):.1f} MiB", "peer": f"a tenth: +{max(tenth):.1f} MiB"}
    table.at_most("server's memory above idle", ours, 8, " MiB", of=max, **sides)
    heap, before = (rounds.each(name, _heap) for name in ("large", "small"))
    sides = {"ours": f"{max(heap):.1f} MiB", "peer": f"a tenth: {max(before):.1f} MiB"}
    table.at_most("the page's heap, growth", [max(heap) - max(before)], 1, " MiB", **sides)


def _server(sample: Sample) -> float:
    return sample.server


def _heap(sample: Sample) -> float:
    return sample.heap
