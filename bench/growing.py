"""Does anything grow with the file? `python -m bench.growing [megabytes]`.

The server's memory above idle, and the heap of the page's JavaScript, while Chromium uploads a file of 1 GB, against
one of a tenth: the most of each, in MiB. The heap is what lives: it is collected before each look, twice a second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from e2e.support.sending import random_file

from bench.support import browser as ways
from bench.support import servers
from bench.support.chromium import Browser, chromium
from bench.support.cost import MB, MIB, Meter
from bench.support.tables import Table, interleave

EVERY: Final = 0.5  # seconds between two looks
_TELL_WHEN_OVER = "() => { window.seconds_ = null; done_.then((seconds) => (seconds_ = seconds)); }"


class Sample(NamedTuple):
    server: float  # MiB above idle
    heap: float  # MiB


def upload(browser: Browser, server: servers.Server, meter: Meter, file: Path) -> Sample:
    with ways.opened(browser, f"{server.url}/bench/", ways.LIVE) as page:
        meter.start()
        ways.begin(page, file)
        page.call(_TELL_WHEN_OVER)
        heap = 0.0
        while (seconds := page.evaluate("seconds_")) is None:
            page.send("HeapProfiler.collectGarbage")
            heap = max(heap, page.send("Runtime.getHeapUsage")["usedSize"] / MIB)
            time.sleep(EVERY)
        return Sample(meter.stop(file.stat().st_size, seconds).memory / MIB, heap)


def main() -> None:
    size = int(sys.argv[1] if len(sys.argv) > 1 else 1000) * MB
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
        rounds = interleave(variants)
    table = Table()
    most, less = (rounds.most(name, lambda sample: sample.server) for name in ("large", "small"))
    table.at_most("server's memory above idle", f"+{most:.1f} MiB", f"a tenth: +{less:.1f} MiB", most, 8, " MiB")
    heap, before = (rounds.most(name, lambda sample: sample.heap) for name in ("large", "small"))
    table.at_most("the page's heap, growth", f"{heap:.1f} MiB", f"a tenth: {before:.1f} MiB", heap - before, 1, " MiB")
    table.show()


if __name__ == "__main__":
    main()
