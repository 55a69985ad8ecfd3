"""docs/http.md tells the truth: what it says to type and to paste does what it says, and nothing is missing.

Its commands are also run against this project's own site: e2e/test_http_guide.py.
"""

from __future__ import annotations

import hashlib
import inspect
import random
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from liveview.tests import processes
from uploads import intakes
from uploads.http_errors import SENTENCES, STATUS
from uploads.tests.http.ways import guide
from uploads.tests.http.ways.server import PACKAGES, Server
from uploads.tests.support import until

pytestmark = pytest.mark.skipif(not guide.TEXT, reason="this copy of the package came without its docs")

JPEG_HEAD = b"\xff\xd8\xff\xe0"
BOUNDARY = b"between-the-parts-of-a-form"


class Pasted(processes.Server):
    """What `startproject` and `startapp` make, with the guide's files pasted into it."""

    application = "mysite.asgi:application"
    probe = "/admin/login/"
    foreign = ("DJANGO_", "UPLOADS_")  # or hide what it lacks
    manager = ("manage.py",)
    ask = Server.ask

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(folder, {"PYTHONPATH": str(PACKAGES)})
        self.run(sys.executable, "-m", "django", "startproject", "mysite", ".")
        self.manage("startapp", "photos")
        self.database = folder / "db.sqlite3"


@pytest.fixture
def pasted(tmp_path: Path) -> Iterator[Pasted]:
    made = Pasted(tmp_path / "project")
    yield made
    made.kill()


def test_every_command_has_its_answer() -> None:
    assert len(guide.EXAMPLES) == guide.TEXT.count("```sh\n") >= 5


@pytest.mark.parametrize(("command", "said"), guide.EXAMPLES, ids=lambda text: re.sub(r"\W+", "-", text)[:30])
def test_commands_do_what_is_said(server: Server, tmp_path: Path, command: str, said: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl isn't installed: the guide's commands can't be run")

    guide.obey(command, said, tmp_path, server.env, server.url)

    until(lambda: server.staged() == [])


def test_a_project_made_as_it_says_takes_what_it_says(pasted: Pasted) -> None:
    """More than a request may have where nothing else is said, and by each kind of way."""
    photo = JPEG_HEAD + random.Random(12).randbytes(15_000_000)
    assert guide.paste(pasted.folder) == [
        "mysite/settings.py", "mysite/urls.py", "mysite/asgi.py", "photos/apps.py", "photos/intake.py",
    ]  # fmt: skip
    assert "`python -m liveview.daphne --port 8000 mysite.asgi:application`" in guide.TEXT
    pasted.manage("check", "--fail-level", "WARNING")
    pasted.start()

    for path in ("/upload", "/api/upload"):
        form = b'--%b\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\n%b\r\n--%b--\r\n'
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
        answer = pasted.ask("POST", path, kind, form % (BOUNDARY, photo, BOUNDARY))
        assert answer.status == 200, answer.body
        served = pasted.ask("GET", f"/media/photos/{UUID(answer.json['fileGuid']).hex}.jpg")
        assert (served.status, served.headers["Content-Type"]) == (200, "image/jpeg")
        assert hashlib.sha256(served.body).digest() == hashlib.sha256(photo).digest()

    tus = {"Tus-Resumable": "1.0.0", "Upload-Metadata": "filename YS5qcGc="}
    made = pasted.ask("POST", "/tus/", {**tus, "Upload-Length": str(len(photo))})
    assert made.status == 201, made.body
    body = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert pasted.ask("PATCH", f"/tus/{made.headers['Location']}", body, photo).status == 204
    assert len(list((pasted.folder / "media" / "photos").iterdir())) == 3


def test_the_socket_says_what_is_said(server: Server, tmp_path: Path) -> None:
    program = guide.program("from websockets")

    printed = guide.run_program(program, tmp_path, server.env, server.url)

    assert printed.splitlines() == re.findall(r"recv\(\)\)  # (.*)", program)


def test_the_python_client_sends_its_film(server: Server, tmp_path: Path) -> None:
    film = random.Random(13).randbytes(300_000)
    film = b"\x00\x00\x00\x18ftypisom" + film[12:]
    (tmp_path / "film.mp4").write_bytes(film)

    guide.run_program(guide.program("from tusclient"), tmp_path, server.env, server.url)

    sent = hashlib.sha256(film).hexdigest()
    assert [kept["name"] for kept in server.kept() if kept["sha256"] == sent] == ["film.mp4"]


def test_every_error_is_explained() -> None:
    table = guide.TEXT[guide.TEXT.index("### Errors") : guide.TEXT.index("## tus")]
    rows = dict(re.findall(r"\| (\d+) \| (.*?) \|", table))

    for code in {*STATUS, *SENTENCES}:
        assert f"`{code}`" in rows[str(STATUS.get(code, 422))], code


def test_every_parameter_of_an_intake_is_explained() -> None:
    parameters = set(inspect.signature(intakes.register).parameters)

    assert {name for name in parameters if f"`{name}`" not in guide.TEXT} == set()
