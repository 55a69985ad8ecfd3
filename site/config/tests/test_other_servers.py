"""The servers of docs/your-project.md, each started as it is said there: a page, its socket, a file."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings
from e2e.support.pictures import photo
from e2e.support.readme import Readme

from liveview.tests.processes import Family
from liveview.tests.server import Visitor
from uploads.core import frames

ROOT = Path(settings.ROOT)
GUIDE = (ROOT / "docs" / "your-project.md").read_text()
CHAPTER = GUIDE.partition("## Other servers")[2].partition("\n## ")[0]
COMMANDS = re.findall(r"^\| .* \| `(.*?mysite\.asgi:application.*?)`", CHAPTER, re.MULTILINE)

LISTEN = {
    "uvicorn": ("--host", "{host}", "--port", "{port}"),
    "gunicorn": ("--bind", "{host}:{port}"),
    "hypercorn": ("--bind", "{host}:{port}"),
    "granian": ("--host", "{host}", "--port", "{port}"),
    "python": ("--bind", "{host}", "--port", "{port}"),
}


class Served(Family):
    probe = "/avatars/"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    manage(folder, "-m", "django", "startproject", "mysite", ".")
    Readme((ROOT / "apps" / "avatars" / "README.md").read_text()).paste(folder)
    manage(folder, "manage.py", "migrate")
    return folder


@pytest.fixture(params=COMMANDS, ids=lambda command: command.split()[0])
def server(project: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    command = shlex.split(request.param)
    program = sys.executable if command[0] == "python" else str(Path(sys.executable).with_name(command[0]))
    with Served(project, [program, *command[1:], *LISTEN[command[0]]], env=environment()) as served:
        yield served


def test_all_are_tried() -> None:
    assert {command.split()[0] for command in COMMANDS} == LISTEN.keys()


def test_a_page_its_socket_and_a_file(server: Served, project: Path, tmp_path: Path) -> None:
    sent = photo(tmp_path / f"{server.port}.jpg", (600, 400)).read_bytes()
    with urlopen(f"{server.url}/avatars/") as answer:
        cookies = SimpleCookie(", ".join(answer.headers.get_all("Set-Cookie")))
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())

    page = Visitor(server, "/avatars/", cookie)  # type: ignore[arg-type]  # all that it asks for is an address
    file = {"slot": "avatar", "ref": "one", "name": f"{server.port}.jpg", "size": len(sent), "mime": "image/jpeg"}
    page.send({"type": "upload_register", **file})
    channel = page.wait_for("upload_registered")["channel"]
    page.socket.send(frames.encode(channel, 0, sent))
    page.wait_for("upload_ready")
    page.event("save_avatar")
    page.wait_html(f"{server.port}.jpg")
    page.leave()

    with closing(sqlite3.connect(project / "db.sqlite3")) as database:
        query = "select sha256 from avatars_avatar where name = ?"
        assert database.execute(query, [f"{server.port}.jpg"]).fetchall() == [(hashlib.sha256(sent).hexdigest(),)]


def manage(project: Path, *command: str) -> None:
    subprocess.run([sys.executable, *command], cwd=project, env=environment(), check=True, timeout=300)


def environment() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    return {**env, "PYTHONPATH": str(ROOT / "apps")}
