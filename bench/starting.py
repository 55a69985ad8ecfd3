"""How soon it answers, and what it adds to a plain request: `python -m bench starting`.

- A copy of the project whose environment is installed and whose database is there, from `bin/serve` to the first
  answer of the start page, in turns with an interpreter that does nothing but start.
- A view that says two letters, at an address of the site, behind all its middleware and routes; beside it the same
  view in a project as `startproject` makes it, on a server of the same kind. Asked in turns over a connection that
  stays: the server's processor for a request, and the milliseconds to its answer.
"""

from __future__ import annotations

import http.client
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from e2e.support.server import OURS

from bench import ROOT
from bench.support import servers
from bench.support.cost import Meter
from bench.support.tables import Scale, Table, interleave
from liveview.tests.ports import HOST
from liveview.tests.processes import Family, Program

PLAIN: Final = "/bench/plain/"
FOREIGN: Final = (*OURS, "DATA_DIR", "HOST", "PYTHONPATH", "STATIC_ROOT", "VIRTUAL_ENV")


class Copy(Family):
    """The project in a folder of its own, with an environment that has the packages of this one."""

    def __init__(self, folder: Path) -> None:
        env = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        super().__init__(folder, ["bash", "-c", "exec bin/serve"], env=env)
        self.env |= {"PORT": str(self.port)}
        ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored))
        venv = folder / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        paths = {"base": str(venv), "platbase": str(venv)}
        packages = Path(sysconfig.get_path("purelib", vars=paths))
        (packages / "bench.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pins = (folder / "requirements.txt").read_text()
        (venv / "installed-requirements.txt").write_text(pins * 2)  # as bin/lib.sh has it

    @property
    def log(self) -> Path:
        return self.folder.with_name("serve.log")

    def seconds(self) -> float:
        """To the first answer; it has ended then."""
        start = time.perf_counter()
        self.start()
        seconds = time.perf_counter() - start
        self.terminate()
        self.wait()
        return seconds


def interpreter() -> float:
    """Seconds in which an interpreter starts and ends."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", ""], check=True)
    return time.perf_counter() - start


class Request(NamedTuple):
    """Of many: milliseconds of the server's processor for each, and the median ones to the answer."""

    processor: float
    latency: float

    def __str__(self) -> str:
        return f"{self.processor:.2f} ms of the processor, {self.latency:.2f} ms to the answer"


class Asks:
    """The same page of a server, again and again."""

    def __init__(self, server: Program, count: int) -> None:
        self._server, self._count = server, count
        self._ask(count // 10)

    def __call__(self) -> Request:
        meter = Meter(self._server.pid)
        meter.start()
        latency = self._ask(self._count)
        return Request(meter.stop(0, 1).cpu / self._count * 1000, latency)

    def _ask(self, count: int) -> float:
        took = []
        with closing(http.client.HTTPConnection(HOST, self._server.port, timeout=60)) as connection:
            for _ in range(count):
                start = time.perf_counter()
                connection.request("GET", PLAIN)
                answer = connection.getresponse()
                assert answer.read() == b"ok", f"{PLAIN}: {answer.status}"
                took.append((time.perf_counter() - start) * 1000)
        return statistics.median(took)


@contextmanager
def copy(scale: Scale) -> Iterator[Copy]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        made = Copy(Path(folder, "uplift"))
        try:
            if scale.is_full:
                made.seconds()  # the first start makes the database
            yield made
        finally:
            made.kill()


def measure(table: Table, scale: Scale) -> None:
    with copy(scale) as started:
        rounds = interleave({"serve": started.seconds, "python": interpreter}, scale.of(5, 1))
    peer = f"{rounds.median('python', float) * 1000:.0f} ms for an interpreter that does nothing"
    table.at_most("bin/serve, to the first answer", rounds.samples["serve"], 2, " s", peer=peer)
    count = scale.of(2000, 50)
    with ExitStack() as stack:
        site, bare = stack.enter_context(servers.site(env=servers.AS_HOSTED)), stack.enter_context(servers.bare())
        asked = interleave({"site": Asks(site, count), "bare": Asks(bare, count)}, scale.of(5, 1))
    for what, number in (("processor", _processor), ("milliseconds", _latency)):
        ratios = asked.ratios("site", "bare", number)
        table.at_most(
            f"a plain request, {what}, of a bare project's",
            ratios,
            1.1,
            ours=str(asked.samples["site"][-1]),
            peer=str(asked.samples["bare"][-1]),
        )


def _processor(request: Request) -> float:
    return request.processor


def _latency(request: Request) -> float:
    return request.latency
