"""A file by tus: `python -m bench tus`.

One PATCH (200 MB) to `/tus/` of the site, which takes SHA-256 of it, checks it and gives it to its intake, and to
`@tus/server` of the same version of the protocol with its `FileStore`, which does none of that: MB/s from the first
byte to the answer, processor seconds per GB, and memory above idle.
"""

from __future__ import annotations

import base64
import http.client
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import Final
from urllib.parse import urljoin, urlsplit

from bench.support import servers
from bench.support.cost import MB, MIB, Meter, Sample
from bench.support.tables import Scale, Sides, Table, interleave
from liveview.tests.ports import HOST
from liveview.tests.processes import Program

TUS: Final = {"Tus-Resumable": "1.0.0"}
NAMED: Final = {"Upload-Metadata": f"filename {base64.b64encode(b'file.dat').decode()}"}
BODY: Final = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}


def send(port: int, at: str, data: bytes) -> float:
    """Seconds of the PATCH."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=600)) as connection:
        connection.request("POST", at, headers={**TUS, **NAMED, "Upload-Length": str(len(data))})
        made = connection.getresponse()
        made.read()
        assert made.status == 201, f"the upload was refused: {made.status}"
        path = urlsplit(urljoin(at, made.headers["Location"])).path
        start = time.perf_counter()
        connection.request("PATCH", path, body=data, headers=BODY)
        answer = connection.getresponse()
        answer.read()
        seconds = time.perf_counter() - start
    assert answer.status == 204, f"the bytes were refused: {answer.status}"
    assert answer.headers["Upload-Offset"] == str(len(data))
    return seconds


class Bench:
    def __init__(self, server: Program, at: str, data: bytes) -> None:
        self._send, self._data = partial(send, server.port, at), data
        self._send(data[:MB])
        self._meter = Meter(server.pid)

    def __call__(self) -> Sample:
        self._meter.start()
        return self._meter.stop(len(self._data), self._send(self._data))


def measure(table: Table, scale: Scale) -> None:
    data = os.urandom(scale.of(200, 2) * MB)
    with ExitStack() as stack:
        variants: dict[str, Callable[[], Sample]] = {}
        variants["ours"] = Bench(stack.enter_context(servers.site()), "/tus/", data)
        try:
            variants["theirs"] = Bench(stack.enter_context(servers.tus(scale)), "/tus", data)
        except servers.NoTus as reason:
            table.note(f"@tus/server could not be measured: {reason}", "")
        rounds = interleave(variants, scale.rounds)

    def show(name: str) -> str:
        memory = max(rounds.each(name, lambda sample: sample.memory / MIB))
        return f"{rounds.median(name, _rate):.0f} MB/s, {rounds.median(name, _work):.2f} s/GB, +{memory:.0f} MiB"

    what = "one PATCH, hashed"
    if "theirs" not in variants:
        table.note(what, show("ours"))
        return
    sides: Sides = {"ours": show("ours"), "peer": show("theirs")}
    table.at_least(f"{what}, speed, of @tus/server's", rounds.ratios("ours", "theirs", _rate), 1.5, **sides)
    table.note("the same, processor", values=rounds.ratios("ours", "theirs", _work), **sides)


def _rate(sample: Sample) -> float:
    return sample.rate


def _work(sample: Sample) -> float:
    return sample.work
