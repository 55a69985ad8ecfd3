"""The servers that are compared, each in a process of its own, with data in a folder that goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from e2e.support.server import Server
from e2e.support.venv import Venv

from bench import ROOT
from bench.support.tables import Scale
from liveview.tests import processes
from liveview.tests.ports import HOST
from liveview.tests.processes import LISTEN, Program
from liveview.tests.wire import Laboratory

DJUST: Final = "djust==1.2.6"
TUS: Final = ("@tus/server@2.4.5", "@tus/file-store@2.1.1")
OURS: Final = ("-m", "liveview.daphne")
STOCK: Final = ("-m", "daphne")
AS_HOSTED: Final = {"DEBUG": "", "SECRET_KEY": "of the benchmark", "ALLOWED_HOSTS": HOST}


@contextmanager
def site(
    command: Sequence[str] = OURS, *, hashes: bool = True, debug: bool = True, env: dict[str, str] | None = None
) -> Iterator[Server]:
    """The site as `bin/serve` starts it, with the bench's page and bare sockets; with STOCK, under daphne's own.

    `hashes=False` takes SHA-256 out of its uploads; `debug=False` serves it as a host does.
    """
    ours = {"DJANGO_SETTINGS_MODULE": "bench.lab.settings", "BENCH_HASH": "" if hashes else "none"}
    command = [*command, *LISTEN, "bench.lab.asgi:application"]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Server(Path(folder), debug=debug, extra=ours | (env or {}), command=command) as server,
    ):
        yield server


class Bare(processes.Server):
    """A project as `startproject` makes it, under our daphne."""

    application = "bench.lab.bare_asgi:application"
    probe = "/healthz"

    def prepare(self) -> None:
        """It has no database."""


@contextmanager
def bare() -> Iterator[Bare]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        env = {"DJANGO_SETTINGS_MODULE": "bench.lab.bare", "PYTHONPATH": os.pathsep.join(["site", "apps"])}
        with Bare(Path(folder), env, cwd=ROOT) as server:
            yield server


@contextmanager
def stock_lab() -> Iterator[Laboratory]:
    """Stock daphne with a bare application that reads and hashes what is posted to /sink/…, of any size."""
    command = [*STOCK, *LISTEN, Laboratory.application]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Laboratory(Path(folder), command=command, max_body=2**40) as server,
    ):
        yield server


class Djust(Program):
    """A page of djust's under stock daphne."""

    def __init__(self, folder: Path, python: str) -> None:
        names = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PYTHONHOME")
        env = {name: value for name, value in os.environ.items() if name not in names}
        env |= {"BENCH_FOLDER": str(folder), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [python, *STOCK, *LISTEN, "djust_project:application"]
        super().__init__(folder, command, env=env, cwd=ROOT / "bench" / "peers")


class NoDjust(Exception):
    """It can't be installed here; the message says why."""


@contextmanager
def djust(scale: Scale) -> Iterator[Djust]:
    """djust 1.2.6 with its limits lifted, in a virtual environment made for this run, which takes half a minute.

    `$BENCH_DJUST` may name an interpreter that has it already; without one a smoke run installs nothing.
    Raises `NoDjust`.
    """
    if not scale.is_full and "BENCH_DJUST" not in os.environ:
        raise NoDjust("not for a smoke run")
    with tempfile.TemporaryDirectory(prefix="bench-djust-") as name:
        folder = Path(name)
        python = os.environ.get("BENCH_DJUST") or _install(folder / "environment")
        server = Djust(folder, python)
        try:
            server.start()
        except RuntimeError as failure:
            raise NoDjust(str(failure)) from failure
        try:
            yield server
        finally:
            server.kill()


def _install(folder: Path) -> str:
    try:
        venv = Venv(folder)
        venv.install(DJUST, "daphne")
    except (RuntimeError, OSError) as failure:
        raise NoDjust(str(failure)) from failure
    return str(venv.python)


class NoTus(Exception):
    """It can't be installed here; the message says why."""


@contextmanager
def tus(scale: Scale) -> Iterator[Program]:
    """`@tus/server` and its `FileStore` under Node, installed by npm for this run.

    `$BENCH_TUS` may name a folder whose `node_modules` has them already; without one a smoke run installs nothing.
    Raises `NoTus`.
    """
    if not scale.is_full and "BENCH_TUS" not in os.environ:
        raise NoTus("not for a smoke run")
    with tempfile.TemporaryDirectory(prefix="bench-tus-") as name:
        folder = Path(name)
        if known := os.environ.get("BENCH_TUS"):
            (folder / "node_modules").symlink_to(Path(known).resolve() / "node_modules")
        else:
            _install_tus(folder)
        script = shutil.copy(ROOT / "bench" / "peers" / "tus_server.mjs", folder)
        (files := folder / "files").mkdir()
        try:
            with Program(folder, ["node", script, "{port}", files]) as server:
                yield server
        except (RuntimeError, FileNotFoundError) as failure:
            raise NoTus(str(failure)) from failure


def _install_tus(folder: Path) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *TUS]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as failure:
        raise NoTus(f"npm can't install it: {type(failure).__name__}") from failure
