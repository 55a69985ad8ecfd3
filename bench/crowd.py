"""Two hundred at once: `python -m bench crowd`.

As many visitors as that each send a file of 10 MB to one server process at the same time, from another process; one
more visitor, from elsewhere, clicks ten times a second. What is measured: how many of the files are shown with the
SHA-256 that they had before they were sent, the milliseconds to the answer of a click, and the server's memory above
what it had before any of the two hundred came. Then as many come whose lines are slow: how much of these they get.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any, Final

from bench import ROOT
from bench.support import servers
from bench.support.client import Visitor
from bench.support.cost import MB, Meter
from bench.support.tables import Scale, Table

EVERY: Final = 0.1  # seconds between two clicks
ELSEWHERE: Final = "127.0.1.1"  # visitors at one address, without sessions, share the threads that each has a part of
STEP: Final = 4096  # bytes by which one visitor's file starts later than another's


def send(port: int, count: int, size: int, rate: int) -> None:
    """The two hundred: says "ready", starts at a line of input, and tells what became of the files.

    rate: bytes a second of each one's line; 0 is no limit.
    """
    store = memoryview(os.urandom(size + count * STEP))
    files = [store[number * STEP : number * STEP + size] for number in range(count)]
    digests = [hashlib.sha256(file).hexdigest() for file in files]
    exact: list[int] = []
    with ExitStack() as stack:
        visitors = [stack.enter_context(Visitor(port, "/bench/")) for _ in range(count)]

        def work(number: int) -> None:
            visitor = visitors[number]
            visitor.send_file(visitor.register("file", f"{number}.dat", size), files[number], rate)
            visitor.wait_for(digests[number])
            exact.append(number)

        threads = [threading.Thread(target=work, args=[number], daemon=True) for number in range(count)]
        print("ready", flush=True)
        sys.stdin.readline()
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        print(json.dumps({"exact": len(exact), "seconds": time.perf_counter() - start}), flush=True)


class Round:
    """All of them once, and the clicks meanwhile."""

    def __init__(self, count: int, size: int, rate: int = 0) -> None:
        self.clicks: list[float] = []  # ms
        with servers.site() as server, Visitor(server.port, "/bench/", source=ELSEWHERE) as visitor:
            visitor.click()
            meter = Meter(server.pid)
            command = [sys.executable, "-m", "bench.crowd", *map(str, (server.port, count, size, rate))]
            with subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdin is not None and process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                meter.start()
                process.stdin.write("go\n")
                process.stdin.flush()
                self._click_until_it_ends(visitor, process)
                result: dict[str, Any] = json.loads(process.stdout.read())
            self.exact: int = result["exact"]
            self.seconds: float = result["seconds"]
            self.sample = meter.stop(count * size, result["seconds"])

    def _click_until_it_ends(self, visitor: Visitor, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            start = time.perf_counter()
            visitor.click()
            seconds = time.perf_counter() - start
            self.clicks.append(seconds * 1000)
            time.sleep(max(0.0, EVERY - seconds))


def measure(table: Table, scale: Scale) -> None:
    count, size = scale.of((200, 10 * MB), (5, MB))
    rounds = [Round(count, size) for _ in range(scale.rounds)]
    clicks = [click for done in rounds for click in done.clicks]
    speed = statistics.median(done.sample.rate for done in rounds)
    late = [statistics.quantiles([*done.clicks, done.clicks[-1]], n=20)[-1] for done in rounds]
    told = f"median {statistics.median(clicks):.0f} ms of {len(clicks)}"
    exact = [done.exact for done in rounds]
    what = f"byte-exact of {count} × {size // MB} MB"
    table.at_least(what, exact, count, "", ours=f"{speed:.0f} MB/s in all", of=min)
    table.at_most("another visitor's click, p95", late, 50, " ms", ours=told)
    table.at_most("server's memory above idle", [done.sample.memory / MB for done in rounds], 90, " MB", of=max)
    count, size, rate = scale.of((200, 2 * MB, MB // 4), (5, MB, MB))
    slow = [Round(count, size, rate) for _ in range(scale.rounds)]
    shares = [size / rate / done.seconds for done in slow]
    late = [statistics.quantiles([*done.clicks, done.clicks[-1]], n=20)[-1] for done in slow]
    lines = f"{count} lines of {rate / MB:g} MB/s"
    table.at_least("of slow lines, what is used", shares, 0.8, ours=lines)
    table.at_most("another visitor's click among them, p95", late, 50, " ms")


if __name__ == "__main__":
    send(*map(int, sys.argv[1:]))
