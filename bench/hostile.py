"""Fifty connections that do their worst: `python -m bench.hostile [attack …]`, or `python -m bench hostile`.

Each attack by itself, and all of them mixed, against one server process on one processor, from a process on the others
that connects again whenever it is cut off. It has an address of its own, and in the last round one for each connection.
Beside it, each at an address of theirs, one visitor clicks ten times a second, another loads two pages, a third sends
files of 100 MB one after the other, and a fourth a small picture now and then. What is measured: the milliseconds to
the answer of a click and of a GET, and until the picture is checked, the speed of the files against that before the
attack, and the longest single turn of the server's event loop.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import select
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bench import ROOT
from bench.support import servers
from bench.support.client import Socket, Visitor
from bench.support.cost import MB
from bench.support.tables import Scale, Table, lines
from liveview.tests.ports import HOST
from uploads.core import frames

SIZE: Final = 100 * MB
STEP: Final = 4096  # bytes by which one file starts later than the one before
FILES: Final = 20  # of one page, which shows all that it was sent
EVERY: Final = 0.1  # seconds between two clicks
LOADS_EVERY: Final = 0.5  # and between two pages that one visitor loads
BEFORE: Final = 5.0  # seconds in which the honest file's speed is measured before the attack
ELSEWHERE: Final = "127.0.0.2"  # another visitor's address than that of all others
MIXED: Final = "mixed"
SPREAD: Final = "mixed, from as many addresses"
PAUSE: Final = 0.1  # seconds before a connection that was cut off comes again

Attack = Callable[[int, float], None]
"""One connection to a port, until a time on the monotonic clock or until it is cut off, which raises `OSError`."""


# The attacks


def fragments(port: int, until: float) -> None:
    """A message that is continued with nothing, for ever."""
    with _raw(port) as wire:
        wire.sendall(b"\x01\x80\0\0\0\0")
        _flood(wire, b"\x00\x80\0\0\0\0" * 10_000, until)


def pings(port: int, until: float) -> None:
    with _raw(port) as wire:
        _flood(wire, b"\x89\x80\0\0\0\0" * 1000, until)


def crumbs(port: int, until: float) -> None:
    """A body in chunks of one byte."""
    with socket.create_connection((HOST, port), 10) as wire:
        wire.sendall(b"POST /api/upload HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % HOST.encode())
        _flood(wire, b"1\r\nx\r\n" * 10_000, until)


def numbers(port: int, until: float) -> None:
    """Events with as many numbers as a message holds."""
    _texts(port, until, {"type": "event", "ref": 1, "name": "click", "params": {"a": [1] * 32_000}})


def names(port: int, until: float) -> None:
    """Registrations whose folders unfold to eighteen times their length."""
    path = "/".join(["\ufdfa" * 160] * 50) + "/x.jpg"
    message = {"type": "upload_register", "slot": "file", "name": "x.jpg", "size": 1, "mime": "", "path": path}
    _texts(port, until, message, with_refs=True)


def places(port: int, until: float) -> None:
    """Registrations of files that never come."""
    message = {"type": "upload_register", "slot": "file", "name": "x.dat", "size": 1_000_000, "mime": ""}
    _texts(port, until, message, with_refs=True)


def pages(port: int, until: float) -> None:
    """Plain GETs of a page, as fast as they are answered, on connections that stay."""
    request = f"GET /bench/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    with socket.create_connection((HOST, port), 60) as wire:
        while time.monotonic() < until:
            wire.sendall(request)
            answer = b""
            while b"</html>" not in answer:
                answer += (more := wire.recv(65_536))
                if not more:
                    raise ConnectionError


def handshakes(port: int, until: float) -> None:
    """Sockets that are closed as soon as they are open."""
    while time.monotonic() < until:
        _raw(port).close()


def strangers(port: int, until: float) -> None:
    """Handshakes of a foreign origin, which are refused."""
    while time.monotonic() < until:
        with contextlib.suppress(ConnectionError):
            _raw(port, "http://elsewhere.example").close()


def mounts(port: int, until: float) -> None:
    """Pages that are mounted, and left."""
    while time.monotonic() < until:
        with Visitor(port, "/bench/"):
            pass


def garbage(port: int, until: float) -> None:
    """Connections that speak no HTTP."""
    while time.monotonic() < until:
        with socket.create_connection((HOST, port), 60) as wire:
            wire.sendall(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n" + bytes(range(256)) * 8)
            wire.recv(65_536)


def heads(port: int, until: float) -> None:
    """Requests with as many headers as fit, on connections that stay."""
    lines = "".join(f"X-{number}: {number}\r\n" for number in range(450))
    request = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n{lines}\r\n".encode()
    with socket.create_connection((HOST, port), 60) as wire:
        while time.monotonic() < until:
            wire.sendall(request)
            if not wire.recv(65_536):
                raise ConnectionError


def idle(port: int, until: float) -> None:
    """Sockets that say nothing."""
    with _raw(port) as wire:
        _read_until(wire, until)


def drops(port: int, until: float) -> None:
    """Chunks that are as slow as they like."""
    with Visitor(port, "/bench/") as visitor:
        channel, at = visitor.register("file", "slow.dat", 10 * MB), 0
        while time.monotonic() < until:
            visitor.socket.send_binary(frames.encode(channel, at, b""), bytes(1024))
            at += 1024
            time.sleep(1)


def forms(port: int, until: float) -> None:
    """Forms of three megabytes, by no browser."""
    part = b'--not-in-data\r\nContent-Disposition: form-data; name="file"; filename="x.dat"\r\n\r\n'
    body = part + bytes(3 * MB) + b"\r\n--not-in-data--\r\n"
    while time.monotonic() < until:
        _post(port, "/api/upload", {"Content-Type": "multipart/form-data; boundary=not-in-data"}, body)


def refusals(port: int, until: float) -> None:
    """Bodies that are refused, with a header that takes long to read."""
    accept = ",".join(f"a/{number};q=0.{number % 10}" for number in range(1500))
    while time.monotonic() < until:
        _post(port, "/live/", {"Accept": accept[:16_000], "Content-Length": str(10**12)}, b"")


def copies(port: int, until: float) -> None:
    """A chunk that is there already, again and again."""
    name, body = f"copy-{random.random()}", bytes(MB)
    headers = {"X-Upload-Id": name, "X-Chunk-Index": "0", "X-Chunk-Count": "2"}
    headers |= {"X-File-Name": "x.dat", "X-File-Size": str(2 * MB)}
    while time.monotonic() < until:
        _post(port, "/api/upload-chunk", headers, body)


def animations(port: int, until: float) -> None:
    """Pictures just within the limits, which take seconds to decode."""
    picture = memoryview(_animation(816, 300))
    while time.monotonic() < until:
        with Visitor(port, "/avatars/") as visitor:
            visitor.send_file(visitor.register("avatar", "x.png", len(picture)), picture)
            visitor.wait_for("upload_")
            time.sleep(0.5)


ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__: attack
    for attack in (
        *(fragments, pings, crumbs, numbers, names, places),
        *(idle, drops, forms, refusals, copies, animations),
        *(pages, handshakes, strangers, mounts, garbage, heads),
    )
}


def _texts(port: int, until: float, message: dict[str, object], *, with_refs: bool = False) -> None:
    """The same message again and again, made beforehand: it is the server that is to work."""
    made = [json.dumps(message | ({"ref": f"r{number}"} if with_refs else {})) for number in range(500)]
    data = b"".join(_text(text.encode()) for text in (made if with_refs else made[:20]))
    mount = {"type": "mount", "protocol": 1, "url": "/bench/", "snapshot": None}
    with _raw(port) as wire:
        wire.sendall(_text(json.dumps(mount).encode()))
        _flood(wire, data, until)


def _text(payload: bytes) -> bytes:
    """A whole message, masked with zeros."""
    size = len(payload)
    if size < 126:
        return struct.pack(">BB4x", 0x81, 0x80 | size) + payload
    if size < 65_536:
        return struct.pack(">BBH4x", 0x81, 0x80 | 126, size) + payload
    return struct.pack(">BBQ4x", 0x81, 0x80 | 127, size) + payload


def _raw(port: int, origin: str = "") -> socket.socket:
    """A WebSocket to be spoken to by hand."""
    wire = socket.create_connection((HOST, port), 10)
    origin = origin or f"http://{HOST}:{port}"
    wire.sendall(
        f"GET /live/ HTTP/1.1\r\nHost: {HOST}:{port}\r\nOrigin: {origin}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    if b" 101 " not in wire.recv(65_536):
        wire.close()
        raise ConnectionError("no socket")
    return wire


def _flood(wire: socket.socket, data: bytes, until: float) -> None:
    """As fast as it is taken, with an eye on what is answered."""
    wire.setblocking(False)
    rest = memoryview(data)
    while time.monotonic() < until:
        readable, writable, _ = select.select([wire], [wire], [], 1)
        if readable and not wire.recv(1_000_000):
            raise ConnectionError
        if writable:
            rest = rest[wire.send(rest) :] or memoryview(data)


def _read_until(wire: socket.socket, until: float) -> None:
    while time.monotonic() < until:
        wire.settimeout(max(0.01, until - time.monotonic()))
        with contextlib.suppress(TimeoutError):
            if not wire.recv(65_536):
                raise ConnectionError


def _post(port: int, path: str, headers: dict[str, str], body: bytes) -> None:
    given = {"Content-Length": str(len(body)), "Host": HOST, **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    with socket.create_connection((HOST, port), 60) as wire:
        wire.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode())
        with contextlib.suppress(ConnectionError):
            wire.sendall(body)
        wire.recv(65_536)


def _animation(side: int, count: int) -> bytes:
    """An APNG of so many frames of noise that compresses well."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    made = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    made += chunk(b"acTL", struct.pack(">II", count, 0))
    number = 0
    for index in range(count):
        line = b"\0" + bytes([index % 251, index * 7 % 251, index * 13 % 251]) * side
        data = zlib.compress(line * side, 1)
        made += chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, side, side, 0, 0, 1, 10, 0, 0))
        number += 1
        if index:
            made += chunk(b"fdAT", struct.pack(">I", number) + data)
            number += 1
        else:
            made += chunk(b"IDAT", data)
    return made + chunk(b"IEND", b"")


def attack(port: int, names_: list[str], count: int, seconds: float) -> None:
    """The process of the hostile connections: as many as that, of these attacks in turn."""
    os.nice(10)  # what is measured is the server, not whether others get to ask it
    is_spread = SPREAD in names_
    names_ = [*ATTACKS] if is_spread else names_
    until = time.monotonic() + seconds

    def work(attack: Attack) -> None:
        while time.monotonic() < until:
            with contextlib.suppress(OSError, RuntimeError, EOFError, ValueError):
                attack(port, until)
            time.sleep(PAUSE)

    workers = [
        threading.Thread(
            target=work,
            name=f"127.0.1.{number + 1}" if is_spread else ELSEWHERE,
            args=[ATTACKS[names_[number % len(names_)]]],
            daemon=True,
        )
        for number in range(count)
    ]
    with _addresses():
        for worker in workers:
            worker.start()
        time.sleep(seconds)


@contextlib.contextmanager
def _addresses() -> Iterator[None]:
    """Within, all connections of a thread come from the address that it is named after, if this machine has it."""
    connect = socket.create_connection

    def connect_from(to: tuple[str, int], timeout: float | None = None, _source: object = None) -> socket.socket:
        name = threading.current_thread().name
        return connect(to, timeout, (name if name.startswith("127.") and has_them else "", 0))

    with socket.socket() as probe:
        has_them = True
        try:
            probe.bind((ELSEWHERE, 0))
        except OSError:
            has_them = False
    socket.create_connection = connect_from  # type: ignore[assignment]
    try:
        yield
    finally:
        socket.create_connection = connect


# Who suffers


class Bystanders:
    """A visitor who clicks, one who loads a page, and one who sends files, until they are stopped."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self.clicks: list[float] = []  # seconds
        self.loads: list[float] = []
        self.pictures: list[float] = []
        self._before = 0
        self._sender: Visitor | None = None
        self._threads = [
            threading.Thread(target=work, name=f"127.0.2.{number}", daemon=True)
            for number, work in enumerate((self._click, self._load, self._send, self._show), 1)
        ]
        self._living = _addresses()

    def __enter__(self) -> Bystanders:
        self._living.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._living.__exit__(None, None, None)
        for thread in self._threads:
            thread.join(30)

    @property
    def sent(self) -> int:
        """Bytes, as the server gave credit for them."""
        sender = self._sender
        return self._before + (sender.sent if sender is not None else 0)

    def wait(self) -> None:
        """Until all of them are at it."""
        while not (self.clicks and self.loads and self.sent):
            time.sleep(0.05)

    def speed(self, seconds: float) -> float:
        """Bytes a second, of so many from now on."""
        before = self.sent
        time.sleep(seconds)
        return (self.sent - before) / seconds

    def _click(self) -> None:
        with Visitor(self._port, "/bench/") as visitor:
            while not self._stop.is_set():
                began = time.perf_counter()
                visitor.click()
                self.clicks.append(time.perf_counter() - began)
                self._stop.wait(EVERY)

    def _load(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            with (
                contextlib.suppress(urllib.error.HTTPError),  # a refusal took its time as well
                urllib.request.urlopen(f"http://{HOST}:{self._port}/bench/", timeout=60) as answer,
            ):
                answer.read()
            self.loads.append(time.perf_counter() - began)
            self._stop.wait(LOADS_EVERY)

    def _send(self) -> None:
        data, number = memoryview(os.urandom(SIZE + 1000 * STEP)), 0
        while not self._stop.is_set():
            with contextlib.suppress(RuntimeError, OSError), Visitor(self._port, "/bench/") as visitor:
                for _ in range(FILES):
                    if self._stop.is_set():
                        return
                    number += 1
                    start = number % 1000 * STEP
                    file = data[start : start + SIZE]
                    digest = hashlib.sha256(file).hexdigest()
                    self._sender = visitor
                    visitor.send_file(visitor.register("file", "honest.dat", SIZE), file)
                    visitor.wait_for(digest)
                self._before, self._sender = self.sent, None

    def _show(self) -> None:
        picture = memoryview(_animation(64, 1))
        while not self._stop.is_set():
            with contextlib.suppress(RuntimeError, OSError), Visitor(self._port, "/avatars/") as visitor:
                began = time.perf_counter()
                visitor.send_file(visitor.register("avatar", "me.png", len(picture)), picture)
                visitor.wait_for("upload_ready")
                self.pictures.append(time.perf_counter() - began)
            self._stop.wait(1)


class Round:
    """One attack."""

    def __init__(self, names_: list[str], count: int, seconds: float, before: float) -> None:
        processors = sorted(os.sched_getaffinity(0))
        with servers.site() as server:
            _pin(server.pid, {processors[0]})
            with Bystanders(server.port) as others:
                others.wait()
                speed = others.speed(before)
                others.clicks.clear()
                others.loads.clear()
                others.pictures.clear()
                _turn(server.port)  # from here on
                command = [sys.executable, "-m", "bench.hostile", "attack", str(server.port), str(count)]
                with subprocess.Popen([*command, str(seconds), *names_], cwd=ROOT) as hostile:
                    _pin(hostile.pid, set(processors[1:]) or {processors[0]})
                    self.speed = others.speed(seconds) / max(1.0, speed)
                    hostile.wait()
                self.turn = _turn(server.port)
                self.threads = len(os.listdir(f"/proc/{server.pid}/task"))
                self.pictures = list(others.pictures)
            self.clicks, self.loads = list(others.clicks), list(others.loads)

    @property
    def late(self) -> float:
        """The click's 95th percentile in milliseconds."""
        clicks = self.clicks or [60.0]
        return statistics.quantiles([*clicks, clicks[-1]], n=20)[-1] * 1000

    @property
    def slowest(self) -> float:
        """The longest GET in milliseconds."""
        return max(self.loads, default=60.0) * 1000


def _turn(port: int) -> float:
    """Seconds of the longest turn of the server's loop since this was last asked."""
    with Socket(port, "/bench/turn/") as wire:
        return float(wire.text())


def _pin(pid: int, processors: set[int]) -> None:
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task), processors)


def measure(table: Table, scale: Scale, wanted: Sequence[str] = ()) -> None:
    count, seconds = scale.of((50, 30.0), (3, 1.0))
    for name in wanted or scale.of([*ATTACKS, MIXED, SPREAD], [MIXED]):
        done = Round([*ATTACKS] if name == MIXED else [name], count, seconds, scale.of(BEFORE, 1.0))
        told = f"median {statistics.median(done.clicks or [60.0]) * 1000:.0f} ms of {len(done.clicks)}"
        table.at_most(f"{name}: another visitor's click, p95", [done.late], 250, " ms", ours=told)
        if name == SPREAD:  # fifty addresses are fifty visitors: whoever comes waits with them
            table.note(f"{name}: the longest GET", f"of {len(done.loads)}", values=[done.slowest], unit=" ms")
        else:
            table.at_most(f"{name}: the longest GET", [done.slowest], 1000, " ms", ours=f"of {len(done.loads)}")
        table.at_least(f"{name}: an honest upload's speed", [done.speed], 0.5, peer="before")
        pictures = [seconds * 1000 for seconds in done.pictures] or [scale.of(60_000.0, 0.0)]
        table.at_most(f"{name}: another visitor's avatar", pictures, 5000, " ms", of=max)
        table.note(f"{name}: the server's threads", str(done.threads))
        table.note(f"{name}: the longest turn of the loop", "", values=[done.turn * 1000], unit=" ms")
        print(f"{name}: p95 {done.late:.0f} ms, GET {done.slowest:.0f} ms, {done.speed:.2f} ×", file=sys.stderr)


def main() -> None:
    if sys.argv[1:2] == ["attack"]:
        port, count, seconds, *names_ = sys.argv[2:]
        attack(int(port), names_, int(count), float(seconds))
        return
    table = Table()
    measure(table, Scale(), sys.argv[1:])
    print("\n".join(lines(table.figures)))


if __name__ == "__main__":
    main()
