"""Background jobs, in threads of the server and in workers beside it: the same tests for both."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from e2e.support.postgres import Postgres
from e2e.support.venv import ROOT
from liveview.tests import processes
from liveview.tests.ports import HOST
from liveview.tests.processes import Program, until

pytestmark = pytest.mark.base(None)


class Server(processes.Server):
    """Takes what is wanted."""

    application = "e2e.jobs.urls:application"


class Worker(processes.Server):
    """Does it, where that isn't the server."""

    application = ""

    def is_ready(self) -> bool:
        return "worker begins" in self.log_text()[self.begins :]

    def launch(self) -> None:
        self.begins = len(self.log_text())
        super().launch()


class Fleet:
    """A server and, where they do the work, two workers."""

    def __init__(self, folder: Path, postgres: Postgres | None) -> None:
        self.folder = folder
        (folder / "wanted").mkdir()
        (folder / "log").touch()
        env = {
            "DJANGO_SETTINGS_MODULE": "e2e.jobs.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "apps"), str(ROOT)]),
            "LAB": str(folder),
            "JOBS": "procrastinate" if postgres else "threads",
            **({"DATABASE_URL": postgres.url} if postgres else {}),
        }
        self.server = Server(folder, env)
        command = ["-m", "django", "liveview_worker", "--health", "{host}:{port}", "--serve", "/overview"]
        self.workers = [Worker(folder, env, command=command) for _ in range(2)]
        if not postgres:
            self.workers = []

    @property
    def programs(self) -> list[Program]:
        return [self.server, *self.workers]

    def start(self) -> None:
        self.server.start()
        for worker in self.workers:
            worker.launch()
        for worker in self.workers:
            worker.wait_until_ready()

    def end(self) -> None:
        for program in self.programs:
            program.kill()

    def forget(self) -> None:
        (self.folder / "log").write_text("")
        for path in self.folder.glob("go-*"):
            path.unlink()

    # -- What it is asked

    def want(self, *names: str, **more: Any) -> None:
        query = urlencode({"name": names, **more}, doseq=True)
        with urllib.request.urlopen(f"{self.server.url}/want?{query}", timeout=60) as answer:
            assert answer.status == 200

    def overview(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.server.url}/overview", timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def go(self, name: str) -> None:
        (self.folder / f"go-{name}").touch()

    # -- What it has done

    def lines(self, word: str) -> list[str]:
        """The names that it has said so of, in their order."""
        lines = [line.split(" ", 2) for line in (self.folder / "log").read_text().splitlines()]
        return [name for _pid, said, name in lines if said == word]

    def at(self, name: str) -> Program:
        """Who has begun that last."""
        lines = [line.split(" ", 2) for line in (self.folder / "log").read_text().splitlines()]
        pid = [int(pid) for pid, said, of in lines if (said, of) == ("begin", name)][-1]
        return next(program for program in self.programs if program._process and program.pid == pid)

    def tend(self) -> None:
        """As a host does: what has died is started again."""
        for program in self.programs:
            if program._process is None or program.process.poll() is not None:
                with suppress(RuntimeError):  # it has died at once
                    program.start()

    def done(self, *names: str) -> bool:
        self.tend()
        return set(names) <= set(self.lines("end"))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module", params=["threads", "procrastinate"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    postgres = request.getfixturevalue("postgres") if request.param == "procrastinate" else None
    made = Fleet(tmp_path_factory.mktemp("jobs"), postgres)
    made.start()
    yield made
    made.end()


@pytest.fixture
def fleet(running: Fleet) -> Fleet:
    """With nothing to do, and nothing done."""
    running.tend()
    until(lambda: not any(running.overview()[state] for state in ("waiting", "running")))
    running.forget()
    return running


def test_what_is_wanted_is_done_once_and_what_is_taken_back_never(fleet: Fleet) -> None:
    fleet.want("hold-a", share="eve")
    until(lambda: fleet.lines("begin"))
    fleet.want("hold-a", "b", "b", share="eve")
    fleet.want("c", share="eve", broken="1")
    fleet.want("d", share="eve")
    fleet.go("hold-a")

    until(lambda: fleet.done("hold-a", "b", "d"))
    assert fleet.lines("begin") == ["hold-a", "b", "d"]
    until(lambda: not fleet.overview()["running"])
    assert fleet.overview()["waiting"] == 0


def test_nobody_waits_for_somebody_elses_hundred_and_small_ones_go_first(fleet: Fleet) -> None:
    """Of one visitor one is done at a time, in the order in which they came."""
    fleet.want("hold-first", share="mallory")
    fleet.want("hold-second", share="trudy")
    hundred = [f"eve-{number:02}" for number in range(30)]
    fleet.want(*hundred, share="eve")
    fleet.want("large", share="bob", cost="3.5")
    fleet.want("small", share="carol", cost="0.5")
    fleet.go("hold-first")
    fleet.go("hold-second")

    until(lambda: fleet.done(*hundred, "large", "small"))
    begun = [name for name in fleet.lines("begin") if not name.startswith("hold")]
    assert [name for name in begun if name.startswith("eve")] == hundred
    assert begun.index("small") <= 1
    assert begun.index("large") <= 7


def test_what_fails_is_tried_again_and_given_up_in_the_end(fleet: Fleet) -> None:
    fleet.want("mend-a", "fail-b", share="eve")

    until(lambda: fleet.done("mend-a") and fleet.lines("failed"))
    assert fleet.lines("failed") == ["fail-b RuntimeError('fail-b')"]
    assert Counter(fleet.lines("begin")) == {"mend-a": 3, "fail-b": 3}


def test_what_a_killed_process_was_at_is_done_by_another(fleet: Fleet) -> None:
    fleet.want("hold-a", "b", share="eve")
    until(lambda: fleet.lines("begin"))

    fleet.at("hold-a").kill()
    until(lambda: fleet.tend() or fleet.lines("begin").count("hold-a") == 2)
    fleet.go("hold-a")

    until(lambda: fleet.done("hold-a", "b"))
    assert Counter(fleet.lines("end")) == {"hold-a": 1, "b": 1}


def test_what_kills_whoever_does_it_ends_and_the_others_are_done(fleet: Fleet) -> None:
    fleet.want("b", "hold-c", share="eve")
    fleet.want("hold-d", share="bob")
    with suppress(OSError):  # it may be the server itself
        fleet.want("kill-a", share="eve")
    fleet.go("hold-c")
    fleet.go("hold-d")

    until(lambda: fleet.done("kill-a", "b", "hold-c", "hold-d"))
    assert fleet.lines("begin").count("kill-a") == 3
    if fleet.workers:  # one that doesn't count: the engine does
        fleet.want("murder-a", "e", share="eve")
        until(lambda: fleet.done("e") and fleet.lines("failed"))
        assert fleet.lines("failed") == ["murder-a None"]


def test_a_process_that_is_asked_to_stop_hands_its_work_back(fleet: Fleet) -> None:
    fleet.want("hold-a", share="eve")
    for times in range(1, 5):  # more often than it may fail
        until(lambda times=times: len(fleet.lines("begin")) == times)
        at = fleet.at("hold-a")
        at.terminate()
        assert at.wait() in (0, -signal.SIGTERM)
        at.launch()
    fleet.go("hold-a")

    until(lambda: fleet.done("hold-a"))
    assert fleet.lines("failed") == []


def test_what_is_done_now_and_then_is_done_by_one_of_all(fleet: Fleet) -> None:
    with ExitStack() as others:
        if not fleet.workers:
            others.enter_context(fleet.server.twin())
        before, began = len(fleet.lines("tick")), time.monotonic()

        until(lambda: len(fleet.lines("tick")) >= before + 3)
        assert len(fleet.lines("tick")) - before <= time.monotonic() - began + 2


def test_a_worker_says_whether_it_works(fleet: Fleet, request: pytest.FixtureRequest) -> None:
    if not fleet.workers:
        pytest.skip("the server does the work itself, and says so at its own addresses")
    worker, postgres = fleet.workers[0], request.getfixturevalue("postgres")
    until(lambda: status(worker, "/") == 200)
    assert status(worker, "/overview") == 200
    assert status(worker, "/want?name=a") == 404
    assert fleet.lines("begin") == []

    postgres.kill()
    try:
        until(lambda: status(worker, "/") == 503)
    finally:
        postgres.start()
    until(lambda: status(worker, "/") == 200)


def status(worker: Program, path: str) -> int:
    """Of its answer; 0 while it doesn't listen yet."""
    connection = http.client.HTTPConnection(HOST, worker.port, timeout=60)
    with closing(connection), suppress(ConnectionRefusedError):
        connection.request("GET", path)
        return connection.getresponse().status
    return 0
