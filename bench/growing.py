"""Does anything grow with the file? `python -m bench growing`.

The server's memory above idle, and the heap of the page's JavaScript, while Chromium uploads a file of 1 GB, against
one of a tenth: the most of each, in MiB. The heap is what lives: it is collected before each look, twice a second. Then
the longest task of a page, in ms, for which it answers nobody: while 200 MB travel, and while 300 photos are sent and
shown in the gallery.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from e2e.support.pictures import photo
from e2e.support.sending import random_file
from e2e.support.server import Server

from bench.support import browser as ways
from bench.support import servers
from bench.support.chromium import Browser, chromium
from bench.support.cost import MB, MIB, Meter
from bench.support.tables import Scale, Sides, Table, interleave

EVERY: Final = 0.5  # seconds between two looks
_TASKS = """() => {
  window.longest_ = 0;
  const note = ({ duration }) => (longest_ = Math.max(longest_, duration));
  new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type: "longtask" });
}"""
_WITHIN: Final = 600  # seconds in which all photos are there
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


def task_of_file(browser: Browser, server: Server, file: Path) -> float:
    """Milliseconds of the longest task that takes over 50; 0 if there is none."""
    with ways.opened(browser, f"{server.url}/bench/", ways.LIVE) as page:
        page.call(_TASKS)
        ways.begin(page, file)
        ways.finish(page)
        return float(page.evaluate("longest_"))


def task_of_photos(browser: Browser, server: Server, photos: list[Path]) -> float:
    """The same, until the last of them is in the album."""
    count = "Number(document.querySelector('#photos').dataset.count)"
    with ways.opened(browser, f"{server.url}/gallery/", ways.LIVE) as page:
        page.call(_TASKS)
        wanted = page.evaluate(count) + len(photos)
        page.choose("input[name=photos]", *photos)
        page.wait_for(f"{count} === {wanted}", within=_WITHIN)
        return float(page.evaluate("longest_"))


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
        file = random_file(folder / "file.dat", scale.of(200, 10) * MB)
        photos = [photo(folder / f"{seed}.jpg", (1200, 900), seed=seed) for seed in range(scale.of(300, 5))]
        tasks = interleave(
            {
                "file": partial(task_of_file, browser, server, file),
                "photos": partial(task_of_photos, browser, server, photos),
            },
            scale.rounds,
        )
    ours, tenth = (rounds.each(name, _server) for name in ("large", "small"))
    sides: Sides = {"ours": f"+{max(ours):.1f} MiB", "peer": f"a tenth: +{max(tenth):.1f} MiB"}
    table.at_most("server's memory above idle", ours, 8, " MiB", of=max, **sides)
    heap, before = (rounds.each(name, _heap) for name in ("large", "small"))
    sides = {"ours": f"{max(heap):.1f} MiB", "peer": f"a tenth: {max(before):.1f} MiB"}
    table.at_most("the page's heap, growth", [max(heap) - max(before)], 1, " MiB", **sides)
    table.at_most("a page's longest task, 200 MB", tasks.samples["file"], 200, " ms", of=max)
    table.at_most("the same, 300 photos", tasks.samples["photos"], 200, " ms", of=max)


def _server(sample: Sample) -> float:
    return sample.server


def _heap(sample: Sample) -> float:
    return sample.heap
