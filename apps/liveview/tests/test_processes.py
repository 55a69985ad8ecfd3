"""The programs that tests start: they wait, they come back, and a test that fails tells what they said."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from liveview.tests.processes import Program, Start
from liveview.tests.server import PACKAGES, Server

WEB = [sys.executable, "-u", "-m", "http.server", "--bind", "{host}", "{port}"]
FAILING = """
import sys
from liveview.tests.processes import Program, served

web = served(Program, command=[sys.executable, "-u", "-m", "http.server", "--bind", "{host}", "{port}"])

def test_which_fails(web):
    assert web.get("/never-heard-of") == 200

def test_which_passes(web):
    assert web.get("/") == 200
"""


def test_a_program_that_is_killed_comes_back_at_its_port_and_goes_on_with_its_log(start: Start) -> None:
    web = start(Program, command=WEB)
    url = web.url
    assert web.get("/before") == 404
    web.kill()
    with pytest.raises(OSError):
        web.get("/")

    web.start()

    assert (web.url, web.get("/")) == (url, 200)
    assert "GET /before" in web.log_text()


def test_a_program_that_ends_by_itself_fails_the_start_with_what_it_said(tmp_path: Path) -> None:
    program = Program(tmp_path, [sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"])

    with pytest.raises(RuntimeError, match="ended with 3; its log:\nno such luck"):
        program.start()


def test_a_program_that_ends_in_time_says_how(start: Start) -> None:
    web = start(Program, command=WEB)

    web.terminate()

    assert web.wait() == -15


def test_the_tables_of_a_project_are_made_once_and_each_server_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Server(tmp_path / name) for name in ("first", "second"))
    for server in (first, second):
        server.folder.mkdir()
    first.prepare()
    monkeypatch.setattr(second, "manage", lambda *_arguments: pytest.fail("migrated again"))

    second.prepare()

    counts = []
    for server in (first, second):
        with contextlib.closing(sqlite3.connect(server.database)) as database, database:
            database.execute("INSERT INTO django_session VALUES (?, '', '2100-01-01')", [server.folder.name])
            counts.append(database.execute("SELECT count(*) FROM django_session").fetchone())
    assert counts == [(1,), (1,)]


def test_a_test_that_fails_is_reported_with_the_logs_of_its_own_time(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FAILING)
    command = [sys.executable, "-m", "pytest", "-p", "liveview.tests.processes", "-p", "no:django", "-q", "test_it.py"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))}
    env["PYTHONPATH"] = str(PACKAGES)

    run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    assert "1 failed, 1 passed" in run.stdout
    assert "Log of Program at http://127.0.0.1:" in run.stdout and "GET /never-heard-of" in run.stdout
    assert run.stdout.count('"GET / HTTP/1.1" 200') == 1, "that of the start"
