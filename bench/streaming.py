"""Into a bucket: `python -m bench streaming`.

A file (300 MB) by each way, from a client that has it in memory, into the same stand-in for S3, which counts bytes and
drops them: MB/s.

- writer: to our server, over the page's socket, which streams it on in parts (`S3MultipartWriter`);
- direct: in parts straight to the bucket, presigned by our server, which completes the upload and looks at it;
- boto3: `upload_fileobj` of boto3, as it is.

The server takes SHA-256 of what passes through it, and boto3 a checksum of each part; what is sent directly is hashed
by nobody.
"""

from __future__ import annotations

import http.client
import io
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from e2e.support.server import Server

from bench.support import servers
from bench.support.bucket import BUCKET, Bucket
from bench.support.client import Visitor
from bench.support.cost import MB, Meter, Sample
from bench.support.tables import Scale, Table, interleave
from liveview.tests.ports import HOST

BAR: Final = 0.9


class Ways:
    def __init__(self, server: Server, bucket: Bucket, data: bytes) -> None:
        self._server, self._data = server, memoryview(data)
        self._numbers = count()
        self._client = boto3.client("s3", **bucket.options)
        for way in (self.writer, self.direct, self.boto3):
            way(self._data[: 6 * MB])
        self._meter = Meter(server.pid)

    def measured(self, name: str) -> Sample:
        way, start = getattr(self, name), time.perf_counter()
        self._meter.start()
        way(self._data)
        return self._meter.stop(len(self._data), time.perf_counter() - start)

    def writer(self, data: memoryview) -> None:
        with Visitor(self._server.port, "/bench/bucket/") as visitor:
            visitor.send_file(visitor.register("streamed", "file.dat", len(data)), data)
            visitor.wait_for("upload_consumed")

    def direct(self, data: memoryview) -> None:
        with Visitor(self._server.port, "/bench/bucket/") as visitor:
            ref, grant = visitor.register_directly("direct", "file.dat", len(data))
            if grant["uploader"] == "put":
                _put(grant["url"], data, grant["headers"])
            else:
                _put_parts(data, grant, partial(visitor.sign, ref))
            visitor.done(ref)
            visitor.wait_for("upload_consumed")

    def boto3(self, data: memoryview) -> None:
        self._client.upload_fileobj(io.BytesIO(data), BUCKET, f"boto3/{next(self._numbers)}.dat")


def _put_parts(data: memoryview, grant: dict[str, Any], sign: Any) -> None:
    """As the page's script does it: so many at a time, each with a permission of its own."""
    size = grant["part_size"]
    numbers = range(1, -(-len(data) // size) + 1)
    urls = grant["urls"]
    lacking = [number for number in numbers if str(number) not in urls]
    for at in range(0, len(lacking), 8):
        urls |= sign(lacking[at : at + 8])["urls"]
    with ThreadPoolExecutor(grant["parallel"]) as threads:
        list(threads.map(lambda number: _put(urls[str(number)], data[(number - 1) * size : number * size]), numbers))


def _put(url: str, data: memoryview, headers: dict[str, str] | None = None) -> None:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(HOST, parts.port, timeout=60)) as connection:
        connection.request("PUT", f"{parts.path}?{parts.query}", body=data, headers=headers or {})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, f"a part was refused: {answer.status}"


def measure(table: Table, scale: Scale) -> None:
    data = os.urandom(scale.of(300, 6) * MB)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        bucket = stack.enter_context(Bucket(Path(folder)))
        server = stack.enter_context(servers.site(env=bucket.environment))
        ways = Ways(server, bucket, data)
        names = ("writer", "direct", "boto3")
        rounds = interleave({name: partial(ways.measured, name) for name in names}, scale.rounds)

    def show(name: str) -> str:
        work = "" if name == "boto3" else f", {rounds.median(name, _work):.2f} s/GB of the server"
        return f"{rounds.median(name, _rate):.0f} MB/s{work}"

    for name, what in (("writer", "streamed by the server"), ("direct", "straight to the bucket")):
        ratios = rounds.ratios(name, "boto3", _rate)
        table.at_least(f"{what}, of boto3's speed", ratios, BAR, ours=show(name), peer=show("boto3"))


def _rate(sample: Sample) -> float:
    return sample.rate


def _work(sample: Sample) -> float:
    return sample.work
