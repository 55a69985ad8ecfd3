"""An album of 5,000 photos: `python -m bench album`.

What a change costs the visitor's own page, which shows sixty of them: the server's processor, and the bytes of all
messages until the page is as it should be. A photo is renamed, moved, deleted, brought back, and arrives; making its
pictures is work of other processes, and isn't counted here. Then the page is asked for anew, the first one and one
in the middle: the time to its last byte, and its length. Beside them stands an album of sixty photos.
"""

from __future__ import annotations

import http.client
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from e2e.support.pictures import photo
from e2e.support.server import Server

from bench.support import servers
from bench.support.client import Visitor
from bench.support.cost import Meter
from bench.support.pages import cookies
from bench.support.tables import Scale, Table
from liveview.tests.ports import HOST

PAGE: Final = "/gallery/"
FEW: Final = 60  # photos of a page
COPIES: Final = """
from gallery.models import Photo, STEP
first = Photo.objects.get()
copies = [Photo(**{{
    **{{name: getattr(first, name) for name in ("album", "owner", "size", "sha256", "width", "height")}},
    **{{name: str(getattr(first, name)) for name in ("full", "medium", "thumb")}},
    "name": f"photo-{{number:05}}.jpg", "position": number * STEP,
}}) for number in range(2, {count} + 1)]
Photo.objects.bulk_create(copies, batch_size=500)
"""


class Change(NamedTuple):
    """One kind, done several times: milliseconds of the server's processor, and bytes to the page."""

    processor: float
    bytes: float

    def __str__(self) -> str:
        return f"{self.processor:.1f} ms, {self.bytes:.0f} bytes"


class Get(NamedTuple):
    seconds: float
    bytes: int

    def __str__(self) -> str:
        return f"{self.seconds * 1000:.0f} ms, {self.bytes / 1000:.0f} kB"


class Album:
    """What one costs that has so many photos, all of them the visitor's own."""

    def __init__(self, server: Server, folder: Path, count: int, times: int) -> None:
        self._server, self._times, self._folder = server, times, folder
        (self._cookie,) = cookies(server, 1)
        self._meter = Meter(server.pid)
        with Visitor(server.port, PAGE, cookie=self._cookie) as page:
            self._arrive(page, 0)
        server.shell(COPIES.format(count=count))
        with closing(server.db()) as database:
            rows = database.execute("SELECT id FROM gallery_photo ORDER BY position DESC").fetchall()
        ids = [int(row["id"]) for row in rows]
        with Visitor(server.port, PAGE, cookie=self._cookie) as page:
            self.changes = {
                "rename": self._measure(page, lambda at: page.event("rename", id=ids[at], value=f"New {at}")),
                "move": self._measure(page, lambda at: page.event("move", id=ids[at], after=ids[at + FEW // 2])),
                "delete": self._measure(page, lambda at: page.event("delete", id=ids[at])),
                "bring back": self._measure(page, lambda _at: page.event("undo")),
                "arrive": self._measure(page, lambda at: self._arrive(page, at + 1)),
            }
        self.gets = {"first": self._get(PAGE), "middle": self._get(f"{PAGE}?page={count // FEW // 2 or 1}")}

    def _measure(self, page: Visitor, change: Callable[[int], object]) -> Change:
        change(0)
        page.listen()
        before = page.socket.received
        self._meter.start()
        for number in range(1, self._times + 1):
            change(number)
        work = self._meter.stop(0, 1).cpu
        return Change(work / self._times * 1000, (page.socket.received - before) / self._times)

    def _arrive(self, page: Visitor, number: int) -> None:
        name = f"arrives-{number}.jpg"
        data = photo(self._folder / name, (320, 240), seed=number).read_bytes()
        page.send_file(page.register("photos", name, len(data)), memoryview(data))
        page.wait_for(name)

    def _get(self, url: str) -> Get:
        took = []
        for _ in range(self._times):
            with closing(http.client.HTTPConnection(HOST, self._server.port, timeout=60)) as connection:
                start = time.perf_counter()
                connection.request("GET", url, headers={"Cookie": self._cookie})
                answer = connection.getresponse()
                size = len(answer.read())
                took.append(time.perf_counter() - start)
                assert answer.status == 200, f"{url}: {answer.status}"
        return Get(statistics.median(took), size)


def album(count: int, times: int, *, debug: bool) -> Album:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, servers.site(debug=debug) as server:
        return Album(server, Path(folder), count, times)


def measure(table: Table, scale: Scale) -> None:
    count, times = scale.of(5000, 70), scale.of(20, 1)
    large = album(count, times, debug=not scale.is_full)
    small = album(FEW, times, debug=False) if scale.is_full else None
    for name, change in large.changes.items():
        beside = str(small.changes[name]) if small else ""
        table.at_most(f"{name}: processor", [change.processor], 50, " ms", ours=str(change), peer=beside)
        table.at_most(f"{name}: on the wire", [change.bytes], 2000, " bytes")
    for name, get in large.gets.items():
        beside = str(small.gets[name]) if small else ""
        table.at_most(f"GET, the {name} page", [get.seconds * 1000], 500, " ms", ours=str(get), peer=beside)
