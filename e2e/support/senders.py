"""Visitors who send a file and don't give up, each over a line of their own that counts, slows down and is cut.

A `Sender` works in a thread; a page is its browser's, and only asked. Lines are `FaultProxy`s: what went up a line is
what the visitor has sent, all of it.
"""

from __future__ import annotations

import http.client
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from e2e.support.proxy import FaultProxy
from uploads.tests.http.ways.raw import Answer, Wire
from uploads.tests.http.ways.tus import BODY, TUS, located, metadata

PAUSE: Final = 0.3  # seconds before the next try
PATIENCE: Final = 120.0  # seconds without a step forward after which a sender gives up
CHUNK: Final = 2_000_000  # bytes of a numbered chunk


class Sender(ABC):
    """lost: when it had to connect or ask again, and why. starts: why it had to begin with the first byte again.
    moves: when the server was first known to have so many bytes.
    """

    way: str

    def __init__(self, line: FaultProxy, path: Path) -> None:
        self.line, self.path, self.size = line, path, path.stat().st_size
        self.lost: list[tuple[float, str]] = []
        self.starts: list[str] = []
        self.moves: list[tuple[float, int]] = []

    def __str__(self) -> str:
        said = Counter(why for _, why in self.lost)
        return f"{self.way}: {self.sent} of {self.size} bytes, lost: {dict(said)}, from the start: {self.starts}"

    @property
    def losses(self) -> int:
        return len(self.lost)

    @property
    def restarts(self) -> int:
        return len(self.starts)

    def hits(self, moments: Sequence[float]) -> int:
        """How many of these moments, in their order, made it lose something before the next one."""
        spans = zip(moments, [*moments[1:], float("inf")], strict=True)
        return sum(any(begins <= at < ends for at, _ in self.lost) for begins, ends in spans)

    def lose(self, why: str) -> None:
        self.lost.append((time.time(), why))

    def start_over(self, why: str) -> None:
        self.starts.append(f"{why} at {self.look() / 1e6:.0f} MB")

    @abstractmethod
    def begin(self) -> None: ...

    @property
    @abstractmethod
    def is_done(self) -> bool: ...

    def look(self) -> int:
        """Bytes that the server is known to have. Raises what has ended it."""
        return self.moves[-1][1] if self.moves else 0

    @property
    def sent(self) -> int:
        return self.line.bytes_up


class Threaded(Sender):
    def begin(self) -> None:
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=self.path.name, daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        if self._failure is not None:
            raise self._failure
        return not self._thread.is_alive()

    def look(self) -> int:
        if self._failure is not None:
            raise self._failure
        return super().look()

    def _run(self) -> None:
        try:
            self.send(self.path.read_bytes())
        except Exception as failure:  # told to whoever asks
            self._failure = failure

    @abstractmethod
    def send(self, data: bytes) -> None: ...

    def moved(self, count: int) -> None:
        if count > super().look():
            self.moves.append((time.time(), count))

    def again(self, step: Callable[[], bool]) -> None:
        """Until it has succeeded, through whatever ends a connection."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if step():
                    return
            except (OSError, http.client.HTTPException) as failure:
                self.lose(type(failure).__name__)
            if time.monotonic() > end:
                raise TimeoutError(f"{self.path.name}: no way")
            time.sleep(PAUSE)


class Tus(Threaded):
    """The whole rest in one request, as tus clients do it by themselves."""

    way = "tus"

    _address = ""

    def send(self, data: bytes) -> None:
        self.again(lambda: bool(self._address or self._create()) and self._patch(data))

    def _create(self) -> bool:
        given = {**TUS, "Upload-Length": str(self.size), "Upload-Metadata": metadata(filename=self.path.name)}
        with Wire(self.line.port) as wire:
            answer = wire.ask("POST", "/tus/", given)
        if answer.status == 201:
            self._address = urlsplit(located(answer)).path
        return bool(self._address)

    def _patch(self, data: bytes) -> bool:
        with Wire(self.line.port) as wire:
            answer = wire.ask("HEAD", self._address, TUS)
        if answer.status in (404, 410):
            self.start_over(f"HEAD {answer.status}")
            self._address = ""
        if answer.status != 200:
            return False
        offset = int(answer.headers["Upload-Offset"])
        self.moved(offset)
        given = {**TUS, "Upload-Offset": str(offset), "Content-Type": BODY, "Content-Length": str(self.size - offset)}
        with Wire(self.line.port) as wire:
            wire.begin("PATCH", self._address, given)
            for at in range(offset, self.size, 65_536):
                wire.send(data[at : at + 65_536])
            answer = wire.answer("PATCH")
        if answer.status != 204:
            self.lose(said(answer))
            return False
        self.moved(int(answer.headers["Upload-Offset"]))
        return self.look() == self.size


class Chunks(Threaded):
    """Numbered ones, a request each."""

    way = "chunks"

    def send(self, data: bytes) -> None:
        while not self._send_all(data):
            self.start_over(self._answered)
            self.moves.clear()

    def _send_all(self, data: bytes) -> bool:
        """Whether the server has put them together."""
        name, count = uuid4().hex, -(-self.size // CHUNK)
        self._is_whole = self._is_unknown = False
        for index in range(count):
            if self._is_unknown:
                return False
            given = {
                "Content-Type": "application/octet-stream",
                "X-Upload-Id": name,
                "X-Chunk-Index": str(index),
                "X-Chunk-Count": str(count),
                "X-File-Name": self.path.name,
                "X-File-Size": str(self.size),
            }
            self.again(partial(self._post, given, data[index * CHUNK : (index + 1) * CHUNK]))
            self.moved(min(self.size, (index + 1) * CHUNK))
        return self._is_whole and not self._is_unknown

    def _post(self, given: dict[str, str], chunk: bytes) -> bool:
        with Wire(self.line.port) as wire:
            answer = wire.ask("POST", "/api/upload-chunk", given, chunk)
        self._answered = said(answer)
        if answer.status in (200, 201):
            self._is_whole = "fileGuid" in answer.json
            return True
        if answer.status == 404:  # what came before is gone with its machine, or its time
            self._is_unknown = True
            return True
        if answer.status < 500 and answer.status not in (423, 429):
            raise RuntimeError(f"{self.path.name}: {self._answered}")
        self.lose(self._answered)
        return False


def said(answer: Answer) -> str:
    """What a server has answered, in short."""
    return f"{answer.status} {answer.body[:80].decode(errors='replace').strip()}"


class Browser(Protocol):
    """A page of Playwright's, or the benches' own."""

    def evaluate(self, expression: str, /) -> Any: ...


class Page(Sender):
    """In the browser, by the site's own script: over its socket, or straight into the bucket."""

    way = "page"

    def __init__(self, line: FaultProxy, path: Path, page: Browser, choose: Callable[[Path], object]) -> None:
        super().__init__(line, path)
        self._page, self._choose = page, choose

    def begin(self) -> None:
        """It is open, and live."""
        self._page.evaluate(_WATCH)
        self.line.bytes_up = 0
        self._choose(self.path)

    @property
    def is_done(self) -> bool:
        self.look()
        return self.is_complete

    is_complete = False

    def look(self) -> int:
        most, was, last = 0, "", 0
        self.moves, self.lost, self.starts = [], [], []
        for moment, status, count, error, told in self._page.evaluate("seen"):
            if status == "error":
                raise RuntimeError(f"{self.path.name}: {error}")
            if status == "resuming" != was:
                self.lost.append((moment, status))
            if count == 0 < last:
                self.starts.append(f"{told} at {last / 1e6:.0f} MB")
            was, last = status, count
            if count > most:
                self.moves.append((moment, count))
                most = count
        self.is_complete = was == "complete"  # until its page loses the server, and asks what has become of it
        return most

    def moved_after(self, moment: float) -> float:
        """Seconds from then until the server had more; 0 if it had all."""
        self.look()
        if self.moves and self.moves[-1][1] == self.size and self.moves[-1][0] <= moment:
            return 0.0
        return min((at - moment for at, _ in self.moves if at > moment), default=float("inf"))


class Direct(Page):
    """The same, of whose bytes the server sees none: what its browser has sent to the bucket counts."""

    way = "direct"

    @property
    def sent(self) -> int:
        return sum(self._page.evaluate("[...posted.values()]"))


# What becomes of the upload, with what the server said last of its resumption or of its end; and what XHRs have sent
_WATCH: Final = """(() => {
    window.seen = [];
    window.posted = new Map();
    let told = "";
    addEventListener("djust:upload:progress", ({ detail: { status, bytes, error, code } }) =>
        seen.push([Date.now() / 1000, status, bytes, error || "", code || told]));
    const Socket = WebSocket;
    window.WebSocket = class extends Socket {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", ({ data }) => {
                if (!/"upload_(resume_ack|error)"/.test(data)) return;
                for (const { type, code } of [JSON.parse(data)].flat()) {
                    if (type === "upload_resume_ack" || type === "upload_error") told = code || "accepted";
                }
            });
        }
    };
    const { send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.send = function (body) {
        this.upload.addEventListener("progress", ({ loaded }) => posted.set(this, loaded));
        send.call(this, body);
    };
})()"""
