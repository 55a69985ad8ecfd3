"""What visitors of a page do: on its socket, straight to S3, and without a socket.

Each is cut now and then and mostly goes on at another process, as browsers do; some never come back, and some cancel.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from bench.soak.http_ways import Act, file
from uploads.core import frames
from uploads.tests.http.ways.raw import HOST, Wire
from uploads.tests.http.ways.server import Server

PATH: Final = "/page/"
ANSWER: Final = 30.0  # seconds
PIECE: Final = 60_000  # bytes of a chunk
LARGEST: Final = 12_000_000  # bytes of a file for S3
PART: Final = 5 * 1024 * 1024  # bytes; what is shorter goes to S3 in one piece
HOLDER: Final = "page"
LATER: Final = ("locked", "busy", "storage_unavailable", "storage_full")

Message = dict[str, Any]


class Failed(OSError):
    """The upload was refused, or a request for it."""


class Page:
    """A visitor's page on a socket to one of the processes."""

    def __init__(self, port: int, cookie: str) -> None:
        self._open = contextlib.ExitStack()
        self._connecting = connect(
            f"ws://{HOST}:{port}/live/",
            origin=Origin(f"http://{HOST}:{port}"),
            additional_headers={"Cookie": cookie},
            proxy=None,
            open_timeout=ANSWER,
            close_timeout=1,
            max_size=None,
        )
        self._refs = itertools.count()
        self.credit = self.sent = 0

    def __enter__(self) -> Self:
        self._socket = self._open.enter_context(self._connecting)
        self.tell(type="mount", protocol=1, url=PATH, snapshot=None)
        self.until("upload_config")
        return self

    def __exit__(self, *_raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Goes without a word."""
        with contextlib.suppress(OSError, WebSocketException):
            self._socket.socket.close()
            self._open.close()

    def tell(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def register(self, slot: str, name: str, size: int) -> Message:
        ref = f"r{next(self._refs)}"
        self.tell(type="upload_register", slot=slot, ref=ref, name=name, size=size, mime="", holder=HOLDER)
        return self.until("upload_registered", ref)

    def resume(self, slot: str, upload_id: str, size: int) -> Message:
        """Asks again while the server says that it is too early, as browsers do. Raises `Failed` if it can't be."""
        end, pause = time.monotonic() + ANSWER, threading.Event()
        while True:
            ref = f"r{next(self._refs)}"
            known = {"slot": slot, "ref": ref, "upload_id": upload_id, "size": size, "offset": 0, "holder": HOLDER}
            self.tell(type="upload_resume", **known)
            answer = self.until("upload_resume_ack", ref)
            if answer["accepted"]:
                return answer
            if answer["code"] not in LATER or time.monotonic() > end:
                raise Failed(answer["code"])
            pause.wait(0.5)

    def send(self, channel: int, data: bytes, offset: int, upto: int) -> None:
        for at in range(offset, upto, PIECE):
            frame = frames.encode(channel, at, data[at : min(at + PIECE, upto)])
            while self.sent + len(frame) > self.credit:
                self.until("upload_progress")
            self.sent += len(frame)
            self._socket.send(frame)

    def until(self, kind: str, ref: str = "") -> Message:
        """The next message of that type, about that upload. Raises `Failed` if one is refused first."""
        while True:
            message: Message = json.loads(self._socket.recv(ANSWER))
            if message["type"] in ("upload_config", "upload_progress"):
                self.credit = message["credit"]
            elif message["type"] in ("upload_error", "error") and "offset" not in message:
                raise Failed(str(message))
            if message["type"] == kind and ref in ("", message.get("ref")):
                return message


def _by_socket(slot: str, server: Server, chance: random.Random, largest: int) -> None:
    name, data = file(chance, slot, largest)
    cookie = server.cookie(PATH)
    cut = chance.randrange(0, len(data), PIECE) if chance.random() < 0.5 else None
    with Page(chance.choice(server.ports), cookie) as page:
        answer = page.register(slot, name, len(data))
        page.send(answer["channel"], data, 0, len(data) if cut is None else cut)
        if cut is None:
            page.until("upload_consumed", answer["ref"])
            return
        if chance.random() < 0.2:
            page.tell(type="upload_cancel", ref=answer["ref"])
            page.until("upload_cancelled", answer["ref"])
            return
    if slot == "written" or chance.random() < 0.3:
        return  # for ever
    with Page(chance.choice(server.ports), cookie) as page:
        again = page.resume(slot, answer["upload_id"], len(data))
        page.send(again["channel"], data, again["offset"], len(data))
        page.until("upload_consumed", again["ref"])


def staged(server: Server, chance: random.Random) -> None:
    _by_socket("staged", server, chance, 3_000_000)


def written(server: Server, chance: random.Random) -> None:
    _by_socket("written", server, chance, LARGEST)


def resumed(server: Server, chance: random.Random) -> None:
    _by_socket("resumed", server, chance, LARGEST)


def direct(server: Server, chance: random.Random) -> None:
    """In one piece or in parts. Some of the latter are left in the middle, of which a half comes back.

    An object that was sent in one piece, and of which the server never hears, is left to the bucket's own rules.
    """
    name, data = file(chance, "direct", LARGEST)
    cookie = server.cookie(PATH)
    leaves = len(data) > PART and chance.random() < 0.5
    with Page(chance.choice(server.ports), cookie) as page:
        answer = page.register("direct", name, len(data))
        _put(page, answer, data, only_some=leaves)
        if not leaves:
            page.tell(type="upload_external_done", ref=answer["ref"])
            page.until("upload_consumed", answer["ref"])
            return
    if chance.random() < 0.5:
        return
    with Page(chance.choice(server.ports), cookie) as page:
        again = page.resume("direct", answer["upload_id"], len(data))
        _put(page, again, data)
        page.tell(type="upload_external_done", ref=again["ref"])
        page.until("upload_consumed", again["ref"])


def _put(page: Page, answer: Message, data: bytes, *, only_some: bool = False) -> None:
    grant = answer["external"]
    if grant["uploader"] == "put":
        if not only_some:
            _request("PUT", grant["url"], data, grant["headers"])
        return
    size = grant["part_size"]
    missing = [number for number in range(1, -(-len(data) // size) + 1) if number not in grant["have"]]
    for number in missing[: 1 if only_some else None]:
        page.tell(type="upload_sign", ref=answer["ref"], parts=[number])
        url = page.until("upload_signed", answer["ref"])["external"]["urls"][str(number)]
        _request("PUT", url, data[(number - 1) * size : number * size], {})


def _request(method: str, url: str, data: bytes, headers: dict[str, str]) -> None:
    given = {"Content-Type": "application/octet-stream", **headers}
    request = urllib.request.Request(url, data=data, method=method, headers=given)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER) as answer:
            answer.read()
    except urllib.error.HTTPError as refused:
        if refused.code != 412:  # If-None-Match: it is there already
            raise


@dataclass(frozen=True)
class Socketless:
    """A page whose WebSocket doesn't get through."""

    server: Server
    chance: random.Random
    cookie: str
    token: str

    @classmethod
    def opened(cls, server: Server, chance: random.Random) -> Self:
        cookie = server.cookie(PATH)
        with Wire(chance.choice(server.ports)) as wire:
            answer = wire.ask("GET", PATH, {"Cookie": cookie, "X-Upload": "config"})
        secret = next(each for each in answer.headers.get_all("Set-Cookie", []) if each.startswith("csrftoken="))
        return cls(server, chance, f"{cookie}; {secret.partition(';')[0]}", answer.json["csrf_token"])

    def post(self, kind: str, content: bytes, content_type: str, **headers: str) -> Any:
        with Wire(self.chance.choice(self.server.ports)) as wire:
            known = {"Cookie": self.cookie, "X-CSRFToken": self.token, "X-Upload": kind, "Content-Type": content_type}
            answer = wire.ask("POST", PATH, {**known, **headers}, content)
        if answer.status != 200:
            raise Failed(f"{answer.status} {answer.body[:200]!r}")
        return answer.json

    def tell(self, **message: Any) -> Message:
        told: Message = self.post("message", json.dumps(message).encode(), "application/json")["messages"][0]
        if told["type"] == "upload_error":
            raise Failed(str(told))
        return told


def socketless(server: Server, chance: random.Random) -> None:
    """In requests that go to any of the processes; some are cancelled, some left."""
    name, data = file(chance, "socketless")
    page = Socketless.opened(server, chance)
    known = {"slot": "staged", "ref": "r", "name": name, "size": len(data), "mime": "", "holder": HOLDER}
    upload_id = page.tell(type="upload_register", **known)["upload_id"]
    step, ends = max(1, len(data) // 3), chance.random()
    for at in range(0, len(data), step):
        if at and ends < 0.1:
            return
        if at and ends < 0.2:
            page.tell(type="upload_cancel", ref="r", upload_id=upload_id)
            return
        headers = {"X-Upload-Id": upload_id, "Upload-Offset": str(at)}
        page.post("chunk", data[at : at + step], "application/offset+octet-stream", **headers)
    page.tell(type="upload_done", ref="r", upload_id=upload_id)


ACTS: Final[tuple[Act, ...]] = (staged, staged, written, resumed, direct, socketless)
