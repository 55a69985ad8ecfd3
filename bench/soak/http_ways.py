"""What visitors do by plain HTTP and by the bare WebSocket."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
from collections.abc import Callable
from typing import Final

from websockets.sync.client import connect
from websockets.typing import Origin

from bench.soak.census import NONSENSE
from uploads.tests.http.ways.raw import HOST, Answer, Wire
from uploads.tests.http.ways.server import Server
from uploads.tests.http.ways.tus import BODY, TUS, located, metadata

LARGEST: Final = 3_000_000  # bytes of a file

Act = Callable[[Server, random.Random], None]
"""One visit. Raises what a fault in the middle of it raises."""


class _Latest(threading.local):
    name = ""


_latest = _Latest()


def file(chance: random.Random, way: str, largest: int = LARGEST) -> tuple[str, bytes]:
    """A name that tells its content's hash, and that content."""
    data = chance.randbytes(chance.randrange(1, largest))
    _latest.name = f"{hashlib.sha256(data).hexdigest()}-{way}.dat"
    return _latest.name, data


def latest() -> str:
    """The name of the file that this thread made last."""
    return _latest.name


def _created(server: Server, chance: random.Random) -> tuple[str, bytes]:
    name, data = file(chance, "tus")
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
    name, data = file(chance, "chunks")
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
    name, data = file(chance, "form")
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
    name, data = file(chance, "socket")
    whole = chance.random() < 0.5
    name = name if whole else NONSENSE
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
