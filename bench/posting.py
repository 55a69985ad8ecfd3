"""A form without JavaScript, with a file in it: `python -m bench posting`.

The same multipart POST (200 MB) to the same page of the same site, which stages, hashes and checks the file and gives
it to a handler, under our server and under stock daphne: MB/s, processor seconds per GB, and memory above idle. Bodies
of a bare application are in serving.py.
"""

from __future__ import annotations

import http.client
import os
import re
import time
from contextlib import ExitStack, closing
from functools import partial
from typing import Final

from e2e.support.server import Server

from bench.support import servers
from bench.support.cost import MB, MIB, Meter, Sample
from bench.support.tables import Scale, Sides, Table, interleave

HOST: Final = "127.0.0.1"
BLOCK: Final = MIB
TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
SHOWN: Final = re.compile(r"<code>(\w{64})</code>")


def post(server: Server, size: int) -> float:
    """Seconds from the first byte of the form to the end of the page that answers it."""
    with closing(http.client.HTTPConnection(HOST, server.port, timeout=600)) as connection:
        connection.request("GET", "/bench/")
        page = connection.getresponse()
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        found = TOKEN.search(page.read().decode())
        assert found is not None
        head = (
            f'--not-in-data\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{found[1]}\r\n'
            '--not-in-data\r\nContent-Disposition: form-data; name="_event"\r\n\r\nkeep\r\n'
            '--not-in-data\r\nContent-Disposition: form-data; name="file"; filename="file.dat"\r\n\r\n'
        ).encode()
        tail = b"\r\n--not-in-data--\r\n"
        block = os.urandom(BLOCK)
        start = time.perf_counter()
        connection.putrequest("POST", "/bench/")
        connection.putheader("Content-Type", "multipart/form-data; boundary=not-in-data")
        connection.putheader("Content-Length", str(len(head) + size + len(tail)))
        connection.putheader("Cookie", cookie)
        connection.endheaders()
        connection.send(head)
        for at in range(0, size, BLOCK):
            connection.send(block[: size - at])
        connection.send(tail)
        answer = connection.getresponse()
        html = answer.read().decode()
        seconds = time.perf_counter() - start
    assert answer.status == 200 and SHOWN.search(html), f"the form was refused: {answer.status}"
    return seconds


class Bench:
    def __init__(self, server: Server, size: int) -> None:
        self._server, self._size = server, size
        post(server, MB)
        self._meter = Meter(server.pid)

    def __call__(self) -> Sample:
        self._meter.start()
        return self._meter.stop(self._size, post(self._server, self._size))


def measure(table: Table, scale: Scale) -> None:
    with ExitStack() as stack:
        start = partial(Bench, size=scale.of(200, 2) * MB)
        variants = {
            "ours": start(stack.enter_context(servers.site())),
            "stock": start(stack.enter_context(servers.site(servers.STOCK))),
        }
        rounds = interleave(variants, scale.rounds)

    def show(name: str) -> str:
        memory = max(rounds.each(name, lambda sample: sample.memory / MIB))
        return f"{rounds.median(name, _rate):.0f} MB/s, {rounds.median(name, _work):.1f} s/GB, +{memory:.0f} MiB"

    sides: Sides = {"ours": show("ours"), "peer": show("stock")}
    table.at_least("a form with a file, speed, of stock daphne", rounds.ratios("ours", "stock", _rate), 10, **sides)
    table.note("the same, processor", values=rounds.ratios("ours", "stock", _work), **sides)


def _rate(sample: Sample) -> float:
    return sample.rate


def _work(sample: Sample) -> float:
    return sample.work
