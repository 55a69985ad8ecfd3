"""Into a bucket: `python -m bench streaming`.

A file (300 MB) by each way, from a client that has it in memory, into the same stand-in for S3, which counts bytes and
drops them: MB/s; over plain HTTP, and over HTTPS, as into Amazon's.

- writer: to our server, over the page's socket, which streams it on in parts (`S3MultipartWriter`);
- direct: in parts straight to the bucket, presigned by our server, which completes the upload and looks at it;
- boto3: `upload_fileobj` of boto3, as it is.

The server takes SHA-256 of what passes through it, and boto3 a checksum of each part; over plain HTTP both sign another
SHA-256 of each request. What is sent directly is hashed by nobody.
"""

from __future__ import annotations

import http.client
import io
import os
import ssl
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
from bench.support.tables import Rounds, Scale, Table, interleave
from liveview.tests.ports import HOST

BAR: Final = 0.9
NAMES: Final = ("writer", "direct", "boto3")


class Ways:
    def __init__(self, server: Server, bucket: Bucket, data: bytes) -> None:
        self._server, self._data = server, memoryview(data)
        self._numbers = count()
        self._client, self._context = boto3.client("s3", **bucket.options), bucket.context
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
                _put(grant["url"], data, self._context, grant["headers"])
            else:
                _put_parts(data, grant, partial(visitor.sign, ref), self._context)
            visitor.done(ref)
            visitor.wait_for("upload_consumed")

    def boto3(self, data: memoryview) -> None:
        self._client.upload_fileobj(io.BytesIO(data), BUCKET, f"boto3/{next(self._numbers)}.dat")


def _put_parts(data: memoryview, grant: dict[str, Any], sign: Any, context: ssl.SSLContext | None) -> None:
    """As the page's script does it: so many at a time, each with a permission of its own."""
    size = grant["part_size"]
    numbers = range(1, -(-len(data) // size) + 1)
    urls = grant["urls"]
    lacking = [number for number in numbers if str(number) not in urls]
    for at in range(0, len(lacking), 8):
        urls |= sign(lacking[at : at + 8])["urls"]
    with ThreadPoolExecutor(grant["parallel"]) as threads:
        list(threads.map(lambda at: _put(urls[str(at)], data[(at - 1) * size : at * size], context), numbers))


def _put(url: str, data: memoryview, context: ssl.SSLContext | None, headers: dict[str, str] | None = None) -> None:
    parts = urlsplit(url)
    made = partial(http.client.HTTPSConnection, context=context) if context else http.client.HTTPConnection
    with closing(made(HOST, parts.port, timeout=60)) as connection:
        connection.request("PUT", f"{parts.path}?{parts.query}", body=data, headers=headers or {})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, f"a part was refused: {answer.status}"


def measured(data: bytes, scale: Scale, *, secure: bool) -> Rounds[Sample]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        bucket = stack.enter_context(Bucket(Path(folder), secure=secure))
        server = stack.enter_context(servers.site(env=bucket.environment))
        ways = Ways(server, bucket, data)
        return interleave({name: partial(ways.measured, name) for name in NAMES}, scale.rounds)


def measure(table: Table, scale: Scale) -> None:
    data = os.urandom(scale.of(300, 6) * MB)
    for secure in (False, True):
        report(table, measured(data, scale, secure=secure), " over HTTPS" if secure else "")


def report(table: Table, rounds: Rounds[Sample], over: str) -> None:
    def show(name: str) -> str:
        work = "" if name == "boto3" else f", {rounds.median(name, _work):.2f} s/GB of the server"
        return f"{rounds.median(name, _rate):.0f} MB/s{work}"

    for name, what in (("writer", "streamed by the server"), ("direct", "straight to the bucket")):
        ratios = rounds.ratios(name, "boto3", _rate)
        table.at_least(f"{what}{over}, of boto3's speed", ratios, BAR, ours=show(name), peer=show("boto3"))


def _rate(sample: Sample) -> float:
    return sample.rate


def _work(sample: Sample) -> float:
    return sample.work
