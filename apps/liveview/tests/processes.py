"""Programs that tests start, each in a process of its own: a pytest plugin.

    lab = served(Server, max_body=1000)  # a fixture: one for all tests of a module

    def test_who_is_cut_off_comes_back(start: Start) -> None:
        server = start(Server)           # one that ends with the test
        server.kill()
        server.start()

There is one way to start a program, to wait until it is ready, to end it and to read its log. `Program` is anything
that listens, `Server` a project's ASGI application. A test that fails is reported with what they logged during it.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar
from weakref import WeakSet

import pytest

from liveview.tests.ports import HOST, free_port

T = TypeVar("T")

PATIENCE = 60.0  # seconds that a start, an end or an answer may take
SHOWN = 20_000  # characters of a log
LISTEN = ("--bind", "{host}", "--port", "{port}")
DAPHNE = ("-m", "liveview.daphne", *LISTEN)

Start = Callable[..., Any]


class Program:
    """Listens on a port that is reserved for it; killed, it can be started again there, with the data in its `folder`.

    `{host}` and `{port}` in `command` are filled in.
    """

    host: ClassVar[str] = HOST
    starts_within: float = PATIENCE
    ends_within: float = PATIENCE
    probe: ClassVar[str] = "/"  # a page that answers with 200 as soon as it is ready
    popen: Mapping[str, Any] = {}  # more that Popen is told

    def __init__(
        self,
        folder: Path,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] = os.environ,
        cwd: Path | None = None,
    ) -> None:
        self.folder, self.cwd = folder, cwd or folder
        self.command, self.env = [str(part) for part in command], dict(env)
        self.port = free_port()
        self.read_to = 0  # what of the log was there before the test that runs
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.kill()

    def __str__(self) -> str:
        return f"{type(self).__name__} at {self.url}"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"{type(self).__name__.lower()}-{self.port}.log"

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # -- Its life

    def start(self) -> Self:
        """Returns when it is ready."""
        self.launch()
        self.wait_until_ready()
        return self

    def launch(self) -> None:
        command = [part.replace("{host}", HOST).replace("{port}", str(self.port)) for part in self.command]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.cwd, env=self.env, stdout=log, stderr=subprocess.STDOUT, **self.popen
            )
        _started.add(self)

    def wait_until_ready(self) -> None:
        end, tick = time.monotonic() + self.starts_within, threading.Event()
        while not self._is_up():
            code = self.process.poll()
            if code is not None or time.monotonic() > end:
                self.kill()
                how = "was not ready in time" if code is None else f"ended with {code}"
                raise RuntimeError(f"{self} {how}; its log:\n{self.log_text()}")
            tick.wait(0.03)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, f"{self} isn't running"
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    def terminate(self) -> None:
        """SIGTERM, as a host sends. Close pages first: during an upgrade to WebSocket CPython 3.11 may crash of it."""
        self.signal(signal.SIGTERM)

    def wait(self) -> int:
        """Returns the exit code when it has ended."""
        try:
            code = self.process.wait(self.ends_within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process = None
        return code

    def kill(self) -> None:
        """SIGKILL: nothing is cleaned up. Whatever state it is in."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    # -- What it is asked

    def is_ready(self) -> bool:
        """Whether it does what it is for; may raise what an attempt to connect raises."""
        return self.get(self.probe) == 200

    def get(self, path: str, cookie: str = "") -> int:
        """The status of the answer."""
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path, headers={"Cookie": cookie})
            with connection.getresponse() as response:
                response.read()
                return response.status

    def memory(self) -> int:
        """Bytes that it has in memory."""
        return self._kilobytes("VmRSS:") * 1024

    def peak(self) -> int:
        """The most that it ever had; where the system doesn't tell, what it has."""
        return self._kilobytes("VmHWM:") * 1024

    def _kilobytes(self, name: str) -> int:
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(self.pid)], text=True))
        return int(next(line for line in status.read_text().splitlines() if line.startswith(name)).split()[1])

    def _is_up(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.process.poll() is None and self.is_ready()
        return False


class Family(Program):
    """One that starts others, which are killed with it."""

    popen = {"start_new_session": True}

    def signal(self, number: int) -> None:
        if number != signal.SIGKILL:
            return super().signal(number)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Server(Program):
    """A project's ASGI application under our daphne, or what else of Python's is to serve it: `command`.

    A subclass says which project: its settings are in `env`. What else is there may change how it runs, not its tables.
    """

    application: ClassVar[str]
    foreign: ClassVar[tuple[str, ...]] = ("DJANGO_",)  # how variables begin that would make it another project
    manager: ClassVar[tuple[str, ...]] = ("-m", "django")

    def __init__(
        self, folder: Path, env: Mapping[str, str], *, application: str = "", command: Sequence[str] = (), **more: Any
    ) -> None:
        command = [sys.executable, *(command or (*DAPHNE, application or self.application))]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(self.foreign)}
        super().__init__(folder, command, env={**inherited, **env}, **more)
        self.database = folder / "site.sqlite3"

    def launch(self) -> None:
        if not self.database.exists():
            self.prepare()
        super().launch()

    def prepare(self) -> None:
        """What is done once, before the first start. The tables of a project are made once, and copied from then on."""
        project = (*map(self.env.get, ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DATABASE_URL")), self.manager)
        if empty := _empty_databases.get(project):
            self.database.write_bytes(empty)
            return
        self.manage("migrate", "--noinput")
        if self.database.exists():  # it isn't elsewhere
            _empty_databases[project] = self.database.read_bytes()

    def twin(self) -> Self:
        """Another process of the same site: the same data, at a port of its own."""
        twin = copy(self)
        twin.port, twin.read_to, twin._process = free_port(), 0, None
        return twin

    def manage(self, *arguments: str) -> str:
        return self.run(sys.executable, *self.manager, *arguments)

    def shell(self, code: str) -> str:
        """What `code` prints in a process of its own that has the same settings."""
        return self.manage("shell", "--no-imports", "-c", code).strip()

    def run(self, *command: str) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(command, cwd=self.cwd, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
        return done.stdout


def until(condition: Callable[[], T], within: float = PATIENCE, every: float = 0.01) -> T:
    """What `condition` returns as soon as that is true; fails after so many seconds."""
    end, tick = time.monotonic() + within, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {within} s"
        tick.wait(every)
    return found


# -- Fixtures


def served(kind: Callable[..., Program], *, scope: Any = "module", **options: Any) -> Any:
    """A fixture: a program of that kind, with a folder and a process of its own for each module, session, …"""

    @pytest.fixture(scope=scope)
    def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
        with kind(tmp_path_factory.mktemp("served"), **options) as program:
            yield program

    return running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts programs that end with the test: `start(Server, max_body=1000)`. All are given the same folder."""
    with ExitStack() as stack:
        yield lambda kind, **options: stack.enter_context(kind(tmp_path, **options))


_empty_databases: dict[tuple[object, ...], bytes] = {}

# -- Logs

_started: WeakSet[Program] = WeakSet()


def pytest_runtest_logstart() -> None:
    for program in _started:
        program.read_to = len(program.log_text())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Shows what programs have logged during a test that failed."""
    report = yield
    if report.failed:
        for program in list(_started):
            if logged := program.log_text()[program.read_to :]:
                report.sections.append((f"Log of {program}", logged[-SHOWN:]))
    return report
