"""Everything at once, and then nothing may be left: `python -m bench.soak [minutes]`.

Visitors send good files, and files that are cut, cancelled, abandoned and hostile, by every HTTP way in and by the bare
WebSocket, to two processes with one Redis. Every few seconds a process is killed, or Redis goes away for a moment. When
they have stopped, what is left is counted against the start, once the janitor has been round: staged files, records,
leases, sessions, threads, descriptors, memory. Every file that was kept is compared with what was sent. It is no bench
of `python -m bench`: what comes out is whether it held.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from http.client import HTTPException
from pathlib import Path
from typing import Final

from redis import Redis as Client
from redis.exceptions import RedisError
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from liveview.tests.redis import Redis
from uploads.tests.http.ways.raw import HOST, Answer, Wire
from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import BODY, TUS, located, metadata

VISITORS: Final = 6
LARGEST: Final = 3_000_000  # bytes of a file
FAULT_EVERY: Final = 7.0  # seconds
RECORDS_LIVE: Final = 10  # seconds that a parked upload can be resumed
SETTLED_WITHIN: Final = 120.0  # seconds from the last request until nothing may be left
MEMORY: Final = 150  # MiB that caches, pools and fragmentation may have taken
_NONSENSE: Final = "nonsense.dat"
SPARE: Final = {"threads": 100, "descriptors": 100, "memory": MEMORY}  # pools are filled when they are first used

Act = Callable[[Server, random.Random], None]


@dataclass(frozen=True)
class Census:
    """What there is. `threads`, `descriptors` and `memory` (MiB) are of the processes together."""

    staged: int = 0
    records: int = 0
    leases: int = 0
    sessions: int = 0
    threads: int = 0
    descriptors: int = 0
    memory: int = 0

    def grown_since(self, before: Census) -> list[str]:
        """What there is more of than may be, in words."""
        found = []
        for field in fields(self):
            was, is_ = getattr(before, field.name), getattr(self, field.name)
            if is_ > was + SPARE.get(field.name, 0):
                found.append(f"{field.name}: {is_}, and {was} at the start")
        return found


def census(server: Server, redis: Redis) -> Census:
    with Client.from_url(redis.url) as client:
        keys = [key.decode() for key in client.scan_iter("uploads:*")]
    leases = sum(key.endswith(":lease") for key in keys)
    processes = [Path(f"/proc/{each.pid}") for each in (server, *server.twins)]
    return Census(
        staged=len(server.staged()),
        records=len(keys) - leases,
        leases=leases,
        sessions=_sessions(server),
        threads=sum(len(list((process / "task").iterdir())) for process in processes),
        descriptors=sum(len(list((process / "fd").iterdir())) for process in processes),
        memory=sum(_resident(process) for process in processes) >> 20,
    )


def damaged(server: Server) -> list[str]:
    """Of the files that were kept, those that aren't what was sent: their names say what that was."""
    found = []
    for path in sorted((server.folder / "kept").glob("*.json")):
        name, file = json.loads(path.read_text())["name"], path.with_suffix("")
        if not file.exists():
            found.append(f"{name}: no file")
        elif name != _NONSENSE and hashlib.sha256(file.read_bytes()).hexdigest() != name[:64]:
            found.append(f"{name}: another content")
    return found


def _sessions(server: Server) -> int:
    with contextlib.closing(sqlite3.connect(server.folder / "site.sqlite3", timeout=30)) as database:
        (count,) = database.execute("select count(*) from django_session").fetchone()
    return int(count)


def _resident(process: Path) -> int:
    return int((process / "statm").read_text().split()[1]) * 4096


# What visitors do


def _file(chance: random.Random, way: str) -> tuple[str, bytes]:
    data = chance.randbytes(chance.randrange(1, LARGEST))
    return f"{hashlib.sha256(data).hexdigest()}-{way}.dat", data


def _created(server: Server, chance: random.Random) -> tuple[str, bytes]:
    name, data = _file(chance, "tus")
    given = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": metadata(filename=name)}
    return located(_at_any(server, chance, "POST", "/tus/", given)), data


def _at_any(
    server: Server, chance: random.Random, method: str, path: str, given: dict[str, str], body: bytes = b""
) -> Answer:
    with Wire(chance.choice(server.ports)) as wire:
        return wire.ask(method, path, given, body)


def tus(server: Server, chance: random.Random) -> None:
    path, data = _created(server, chance)
    half = len(data) // 2
    for offset, piece in ((0, data[:half]), (half, data[half:])):
        given = {**TUS, "Upload-Offset": str(offset), "Content-Type": BODY}
        _at_any(server, chance, "PATCH", path, given, piece)


def tus_cut(server: Server, chance: random.Random) -> None:
    """A connection that is lost, and an upload that is mostly taken up again."""
    path, data = _created(server, chance)
    with Wire(chance.choice(server.ports)) as wire:
        given = {**TUS, "Upload-Offset": "0", "Content-Type": BODY, "Content-Length": str(len(data))}
        wire.begin("PATCH", path, given)
        wire.send(data[: len(data) // 2])
        wire.reset()
    if chance.random() < 0.3:
        return
    answer = _at_any(server, chance, "HEAD", path, TUS)
    offset = int(answer.headers.get("Upload-Offset", 0))
    given = {**TUS, "Upload-Offset": str(offset), "Content-Type": BODY}
    _at_any(server, chance, "PATCH", path, given, data[offset:])


def tus_cancelled(server: Server, chance: random.Random) -> None:
    path, data = _created(server, chance)
    given = {**TUS, "Upload-Offset": "0", "Content-Type": BODY}
    _at_any(server, chance, "PATCH", path, given, data[: len(data) // 2])
    _at_any(server, chance, "DELETE", path, TUS)


def tus_abandoned(server: Server, chance: random.Random) -> None:
    _created(server, chance)


def chunks(server: Server, chance: random.Random) -> None:
    """In any order; a third is never sent to the end."""
    name, data = _file(chance, "chunks")
    step = max(1, len(data) // 3)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    order = chance.sample(range(len(pieces)), len(pieces))
    for index in order if chance.random() < 0.7 else order[:-1]:
        given = {
            "Content-Type": "application/octet-stream",
            "X-Upload-Id": name[:40],
            "X-Chunk-Index": str(index),
            "X-Chunk-Count": str(len(pieces)),
            "X-File-Name": name,
            "X-File-Size": str(len(data)),
        }
        _at_any(server, chance, "POST", "/api/upload-chunk", given, pieces[index])


def form(server: Server, chance: random.Random) -> None:
    """A fifth is cut."""
    name, data = _file(chance, "form")
    head = f'--not-in-data\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + data + b"\r\n--not-in-data--\r\n"
    given = {
        "Content-Type": "multipart/form-data; boundary=not-in-data",
        "Content-Length": str(len(body)),
    }
    with Wire(chance.choice(server.ports)) as wire:
        wire.begin("POST", "/api/upload", given)
        if chance.random() < 0.2:
            wire.send(body[: len(body) // 2])
            wire.reset()
            return
        wire.send(body)
        wire.answer("POST")


def socket(server: Server, chance: random.Random) -> None:
    """The bare WebSocket, whose messages are files; some go away without a word, and some talk nonsense."""
    name, data = _file(chance, "socket")
    whole = chance.random() < 0.5
    name = name if whole else _NONSENSE
    port = chance.choice(server.ports)
    address = f"ws://{HOST}:{port}/ws/upload/?name={name}"
    origin = Origin(f"http://{HOST}:{port}")
    with connect(address, origin=origin, proxy=None, open_timeout=20, close_timeout=5) as connection:
        if not whole:
            connection.send("\0{[" * chance.randrange(100))
            connection.socket.close()
        elif len(data) < 900_000:
            connection.send(data)
            connection.recv(20)


def hostile(server: Server, chance: random.Random) -> None:
    """Heads and bodies that aren't what they say."""
    attempts = (
        b"POST /api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"PATCH /tus/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % bytes(random.Random(1).randbytes(16).hex(), "ascii"),
        b"POST /tus/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 1e9\r\n\r\n",
        b"POST /api/upload-chunk HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Upload-Id: ../x\r\nContent-Length: 9\r\n\r\nx",
        b"POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\nx",
        chance.randbytes(300),
    )
    with Wire(chance.choice(server.ports)) as wire:
        wire.send(chance.choice(attempts))
        wire.socket.settimeout(0.2)
        with contextlib.suppress(OSError):
            wire.socket.recv(100)
        wire.reset()


ACTS: Final[tuple[Act, ...]] = (tus, tus_cut, tus_cancelled, tus_abandoned, chunks, form, socket, hostile)


# The run


class Soak:
    """Visitors in threads of their own, until `stop`; `done` counts what came to its end, and what a fault stopped."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server, self._over = server, threading.Event()
        self.done: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._visit, args=(seed + n,)) for n in range(VISITORS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self._over.is_set():
            act = chance.choice(ACTS)
            try:
                act(self._server, chance)
            except (OSError, ValueError, KeyError, WebSocketException, HTTPException):
                self.done["stopped by a fault"] += 1
                self._over.wait(0.05)
            else:
                self.done[act.__name__] += 1


def faults(server: Server, redis: Redis, seconds: float, chance: random.Random) -> Counter[str]:
    """Kills, one after the other, until the time is over; everything stands again then."""
    done: Counter[str] = Counter()
    end = time.monotonic() + seconds
    pause = threading.Event()
    while (left := end - time.monotonic()) > 0:
        pause.wait(min(FAULT_EVERY, left))
        if time.monotonic() >= end:
            break
        victim = chance.choice([*server.twins, redis])
        done[type(victim).__name__] += 1
        victim.kill()
        if victim is redis:
            pause.wait(1)
        victim.start()
    return done


def settled(server: Server, redis: Redis, before: Census) -> list[str]:
    """Waits until nothing is left that wasn't there before; what still is when the time is over."""
    end = time.monotonic() + SETTLED_WITHIN
    while True:
        _look_in(server)
        try:
            found = census(server, redis).grown_since(before)
        except (OSError, RedisError) as failed:
            found = [str(failed)]
        if not found or time.monotonic() > end:
            return found
        time.sleep(1)


def _look_in(server: Server) -> None:
    """A visit to each process, as the pools' threads and the janitor are there only once somebody has come."""
    for port in server.ports:
        with contextlib.suppress(OSError), Wire(port) as wire:
            wire.ask("OPTIONS", "/tus/", TUS)


def soak(folder: Path, minutes: float, seed: int = 1) -> list[str]:
    """What was wrong, in words."""
    chance = random.Random(seed)
    with (
        Redis(folder) as redis,
        Server(
            folder, processes=3, redis_url=redis.url, UPLOAD_STATE_STORE="redis", UPLOAD_STATE_TTL=RECORDS_LIVE
        ) as server,
    ):
        for act in (tus, form, tus_cancelled):
            act(server, chance)
        before = census(server, redis)
        visitors = Soak(server, seed)
        killed = faults(server, redis, minutes * 60, chance)
        visitors.stop()
        wrong = [*damaged(server), *settled(server, redis, before)]
        kept = len(list((folder / "kept").glob("*.json")))
        print(f"{minutes} minutes, {kept} files kept, killed: {dict(killed)}, done: {dict(visitors.done)}")
        print(f"before {before}\nafter  {census(server, redis)}")
    return wrong if kept else [*wrong, "nothing was kept at all"]


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        wrong = soak(Path(folder), minutes)
    for each in wrong:
        print("LEFT OR WRONG:", each)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
