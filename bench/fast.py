"""From a client faster than any browser to the server's disk: `python -m bench fast`.

MB/s, processor seconds of the server per GB, and its memory above idle, of one upload (500 MB) over loopback in frames
just under 1 MiB. The client has the bytes in memory and uses all the credit that it gets.

- hashed: ours, as it is, until the page shows the file's SHA-256;
- unhashed: the same without SHA-256, to see what that costs;
- sink: a bare WebSocket on the same daphne, which counts frames of the same length and drops them.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import ExitStack
from functools import partial
from typing import Final

from e2e.support.server import Server

from bench.support import servers
from bench.support.client import Socket, Visitor
from bench.support.cost import MB, MIB, Meter, Sample
from bench.support.tables import Scale, Table, interleave

FRAME: Final = MIB - 1024  # bytes, as the server announces it


class Bench:
    """A server's uploads, or its bare sink, measured again and again."""

    def __init__(self, server: Server, data: bytes, words: str) -> None:
        self._server, self._data, self._words = server, memoryview(data), words
        self._upload(self._data[:MB], "upload_consumed")
        self._sink(self._data[:MB])
        self._meter = Meter(server.pid)

    def upload(self) -> Sample:
        self._meter.start()
        return self._meter.stop(len(self._data), self._upload(self._data, self._words))

    def sink(self) -> Sample:
        self._meter.start()
        return self._meter.stop(len(self._data), self._sink(self._data))

    def _upload(self, data: memoryview, words: str) -> float:
        with Visitor(self._server.port, "/bench/") as visitor:
            start = time.perf_counter()
            visitor.send_file(visitor.register("file", "file.dat", len(data)), data)
            visitor.wait_for(words)
            return time.perf_counter() - start

    def _sink(self, data: memoryview) -> float:
        with Socket(self._server.port, "/bench/sink/") as socket:
            start = time.perf_counter()
            for at in range(0, len(data), FRAME):
                socket.send_binary(data[at : at + FRAME])
            socket.send_text("end")
            assert int(socket.text()) == len(data)
            return time.perf_counter() - start


def measure(table: Table, scale: Scale) -> None:
    data = os.urandom(scale.of(500, 5) * MB)
    digest = hashlib.sha256(data).hexdigest()
    with ExitStack() as stack:
        make = partial(Bench, data=data)
        hashed = make(stack.enter_context(servers.site()), words=digest)
        unhashed = make(stack.enter_context(servers.site(hashes=False)), words="upload_consumed")
        sink = make(stack.enter_context(servers.site()), words="")
        variants = {"hashed": hashed.upload, "unhashed": unhashed.upload, "sink": sink.sink}
        rounds = interleave(variants, scale.rounds)

    def show(name: str) -> str:
        rate, work = rounds.median(name, _rate), rounds.median(name, _work)
        return f"{rate:.0f} MB/s, {work:.2f} s/GB, +{max(rounds.each(name, _memory)):.0f} MiB"

    for what, name, bar in (
        ("speed without SHA-256, of the sink", "unhashed", 0.65),
        ("speed, of the sink", "hashed", 0.5),
    ):
        table.at_least(what, rounds.ratios(name, "sink", _rate), bar, ours=show(name), peer=show("sink"))
    table.note("processor, of the sink's", show("hashed"), show("sink"), rounds.ratios("hashed", "sink", _work))


def _rate(sample: Sample) -> float:
    return sample.rate


def _work(sample: Sample) -> float:
    return sample.work


def _memory(sample: Sample) -> float:
    return sample.memory / MIB
