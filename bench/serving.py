"""Our daphne against stock daphne, with the same bare application: `python -m bench serving`.

200 MB each way: MB/s, processor seconds per GB, and memory above idle. The application reads and hashes, or sends.

- post: a plain body; form: the same as multipart, which Twisted parses before stock daphne's application sees it;
- socket: messages over a WebSocket, where the client is the bound;
- slow_reader: a response that the client takes only when the application has sent it, or waits.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import django

from bench.support.cost import MB, MIB, Meter, Sample
from bench.support.tables import Scale, Table, interleave
from liveview.tests.processes import LISTEN
from liveview.tests.server import Server
from liveview.tests.wire import Laboratory, Wire, ask, blocks

STOCK: Final = ["-m", "daphne", *LISTEN, Laboratory.application]


def post(server: Server, size: int) -> None:
    with Wire(server) as wire:
        wire.start("POST", "/sink/bench", f"Content-Length: {size}")
        for block in blocks(size):
            wire.send(block)
        assert wire.answer().json["bytes"] == size


def form(server: Server, size: int) -> None:
    head = b'--not-in-data\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    tail = b"\r\n--not-in-data--\r\n"
    length = len(head) + size + len(tail)
    with Wire(server) as wire:
        headers = ("Content-Type: multipart/form-data; boundary=not-in-data", f"Content-Length: {length}")
        wire.start("POST", "/sink/bench", *headers)
        wire.send(head)
        for block in blocks(size):
            wire.send(block)
        wire.send(tail)
        assert wire.answer().json["bytes"] == length


def socket(server: Server, size: int) -> None:
    """Messages of 64 KiB."""
    path = f"/hoard/{time.monotonic_ns()}"
    ask(server, f"/go{path}")
    from liveview.tests.daphne.test_sockets import opened

    with opened(server, path) as client:
        for block in blocks(size):
            client.send(block)
        client.send("end")
        assert json.loads(client.recv())["bytes"] == size


def slow_reader(server: Server, size: int) -> None:
    count = size // 65_536
    with Wire(server) as wire:
        wire.start("GET", f"/flood/{count}", "Connection: close")
        while not ask(server, f"/sent/flood/{count}")["bytes"]:
            pass
        assert len(wire.answer().body) == count * 65_536


WAYS: Final = (post, form, socket, slow_reader)


def measured(way: Callable[[Server, int], None], size: int, command: list[str]) -> Sample:
    """In a server of its own, so that peaks of memory don't mix."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Laboratory(Path(folder), command=command, max_body=2**40) as server,
    ):
        way(server, MB)
        meter = Meter(server.pid)
        meter.start()
        start = time.perf_counter()
        way(server, size)
        return meter.stop(size, time.perf_counter() - start)


def measure(table: Table, scale: Scale) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveview.tests.project.settings")
    django.setup()  # for the client's messages
    size = scale.of(200, 2) * MB
    for way in WAYS:
        variants = {"ours": partial(measured, way, size, []), "stock": partial(measured, way, size, STOCK)}
        rounds = interleave(variants, scale.rounds)
        ours, stock = (_told(rounds.samples[name]) for name in ("ours", "stock"))
        table.note(f"{way.__name__}: speed", ours, stock, rounds.ratios("ours", "stock", lambda sample: sample.rate))


def _told(samples: list[Sample]) -> str:
    rate, work = (median(map(number, samples)) for number in (lambda one: one.rate, lambda one: one.work))
    return f"{rate:.0f} MB/s, {work:.1f} s/GB, +{max(sample.memory for sample in samples) / MIB:.0f} MiB"
