"""The servers that are compared, each in a process of its own, with data in a folder that goes away."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

from e2e.support.server import HOST, Server
from e2e.support.venv import Venv

from bench import ROOT
from liveview.tests.server import Server as Lab

DJUST: Final = "djust==1.2.6"
STARTS_WITHIN: Final = 60.0  # seconds
LAB: Final = "liveview.tests.project.lab:application"
OURS: Final = ("-m", "liveview.daphne")
STOCK: Final = ("-m", "daphne")


class Running(Protocol):
    @property
    def port(self) -> int: ...

    @property
    def pid(self) -> int: ...


class Site(Server):
    """The site as `bin/serve` starts it, with the bench's page and bare sockets; with STOCK, under daphne's own."""

    def __init__(self, folder: Path, command: Sequence[str], *, hashes: bool, env: dict[str, str]) -> None:
        ours = {"DJANGO_SETTINGS_MODULE": "bench.lab.settings", "BENCH_HASH": "" if hashes else "none"}
        super().__init__(folder, extra=ours | env)
        self._command = command

    def start(self) -> Site:
        listen = ["--bind", HOST, "--port", str(self.port)]
        command = [sys.executable, *self._command, *listen, "bench.lab.asgi:application"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=subprocess.STDOUT)
        self._wait_until_it_answers()
        return self


@contextmanager
def site(command: Sequence[str] = OURS, *, hashes: bool = True, env: dict[str, str] | None = None) -> Iterator[Site]:
    """A site that answers; `hashes=False` takes SHA-256 out of its uploads."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        server = Site(Path(folder), command, hashes=hashes, env=env or {})
        try:
            yield server.start()
        finally:
            server.kill()


@contextmanager
def stock_lab() -> Iterator[Running]:
    """Stock daphne with a bare application that reads and hashes what is posted to /sink/…, of any size."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        listen = ["--bind", "{host}", "--port", "{port}"]
        server = Lab(Path(folder), application=LAB, command=[*STOCK, *listen, LAB], max_body=2**40).start()
        try:
            yield server
        finally:
            server.kill()


class Djust:
    """A page of djust's under stock daphne."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class NoDjust(Exception):
    """It can't be installed here; the message says why."""


@contextmanager
def djust() -> Iterator[Djust]:
    """djust 1.2.6 with its limits lifted, in a virtual environment made for this run, which takes half a minute.

    `$BENCH_DJUST` may name an interpreter that has it already. Raises `NoDjust`.
    """
    with tempfile.TemporaryDirectory(prefix="bench-djust-") as name:
        folder = Path(name)
        python = os.environ.get("BENCH_DJUST") or _install(folder / "environment")
        port = _free_port()
        names = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PYTHONHOME")
        env = {name: value for name, value in os.environ.items() if name not in names}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [python, *STOCK, "--bind", HOST, "--port", str(port), "djust_project:application"],
                cwd=ROOT / "bench" / "peers",
                env={**env, "BENCH_FOLDER": name, "TMPDIR": name, "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            _await_answer(port, process, folder / "log")
            yield Djust(port, process.pid)
        finally:
            process.kill()
            process.wait()


def _install(folder: Path) -> str:
    try:
        venv = Venv(folder)
        venv.install(DJUST, "daphne")
    except (RuntimeError, OSError) as failure:
        raise NoDjust(str(failure)) from failure
    return str(venv.python)


def _await_answer(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(http.client.HTTPConnection(HOST, port, timeout=STARTS_WITHIN)) as connection:
                connection.request("GET", "/")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            time.sleep(0.1)
            continue
        break
    raise NoDjust(f"its page doesn't answer:\n{log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
