"""Our daphne against stock daphne, with the same application: `python bench/serving.py [megabytes]`.

For each way a table with the two side by side: MB/s, processor seconds per GB, and megabytes of memory above idle, and
their ratios. The application reads and hashes, or sends; the client is this process. Linux only (it reads /proc).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "apps")]
os.environ["DJANGO_SETTINGS_MODULE"] = "liveview.tests.project.settings"

import django  # noqa: E402

django.setup()

from liveview.tests.daphne.test_sockets import opened  # noqa: E402
from liveview.tests.processes import LISTEN  # noqa: E402
from liveview.tests.server import Server  # noqa: E402
from liveview.tests.wire import MB, Laboratory, Wire, ask, blocks  # noqa: E402

STOCK: Final = ["-m", "daphne", *LISTEN, Laboratory.application]
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Result(NamedTuple):
    rate: float  # MB/s
    work: float  # processor seconds per GB
    growth: float  # MB


def post(server: Server, size: int) -> None:
    with Wire(server) as wire:
        wire.start("POST", "/sink/bench", f"Content-Length: {size}")
        for block in blocks(size):
            wire.send(block)
        assert wire.answer().json["bytes"] == size


def form(server: Server, size: int) -> None:
    """The same as a multipart form, which Twisted parses before stock daphne's application sees it."""
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    tail = b"\r\n--b--\r\n"
    length = len(head) + size + len(tail)
    with Wire(server) as wire:
        headers = ("Content-Type: multipart/form-data; boundary=b", f"Content-Length: {length}")
        wire.start("POST", "/sink/bench", *headers)
        wire.send(head)
        for block in blocks(size):
            wire.send(block)
        wire.send(tail)
        assert wire.answer().json["bytes"] == length


def socket(server: Server, size: int) -> None:
    """Messages of 64 KiB over a WebSocket."""
    path = f"/hoard/{time.monotonic_ns()}"
    ask(server, f"/go{path}")
    with opened(server, path) as client:
        for block in blocks(size):
            client.send(block)
        client.send("end")
        assert json.loads(client.recv())["bytes"] == size


def slow_reader(server: Server, size: int) -> None:
    """A response that the client takes only when the application has sent it, or waits."""
    count = size // 65_536
    with Wire(server) as wire:
        wire.start("GET", f"/flood/{count}", "Connection: close")
        while not ask(server, f"/sent/flood/{count}")["bytes"]:
            pass
        assert len(wire.answer().body) == count * 65_536


def measured(server: Server, way: Callable[[Server, int], None], size: int) -> Result:
    way(server, MB)
    before, work = server.memory(), processor(server)
    start = time.perf_counter()
    way(server, size)
    seconds = time.perf_counter() - start
    return Result(size / MB / seconds, (processor(server) - work) / size * 1e9, (server.peak() - before) / MB)


def processor(server: Server) -> float:
    """Seconds of processor that the server has used."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def compare(way: Callable[[Server, int], None], size: int) -> tuple[Result, Result]:
    """Stock, ours. Each in a server of its own, so that peaks of memory don't mix."""
    results = []
    for command in (STOCK, []):
        with (
            tempfile.TemporaryDirectory() as folder,
            Laboratory(Path(folder), command=command, max_body=2**40) as server,
        ):
            results.append(measured(server, way, size))
    return results[0], results[1]


def main() -> None:
    size = int(sys.argv[1] if len(sys.argv) > 1 else 200) * MB
    print(f"| {size // MB} MB | stock MB/s | ours | × | stock s/GB | ours | stock +MB | ours |")
    print("|---|---|---|---|---|---|---|---|")
    for way in (post, form, socket, slow_reader):
        stock, ours = compare(way, size)
        print(
            f"| {way.__name__} | {stock.rate:.0f} | {ours.rate:.0f} | {ours.rate / stock.rate:.2f} "
            f"| {stock.work:.1f} | {ours.work:.1f} | {stock.growth:.0f} | {ours.growth:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
