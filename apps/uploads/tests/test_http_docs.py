"""docs/http.md tells the truth: its commands print what it says, and nothing is missing."""

from __future__ import annotations

import ast
import inspect
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from uploads import intakes
from uploads.http.errors import SENTENCES, STATUS

from .support import until
from .ways.server import PATIENCE, Server

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "http.md"

pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="this copy of the package came without its docs")

# A command, and the answers that follow it.
TEXT = GUIDE.read_text() if GUIDE.exists() else ""
EXAMPLES = re.findall(r"```sh\n(.*?)```\n\n```(?:text|json)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("docs")).start()
    yield server
    server.kill()


@pytest.fixture
def guide() -> str:
    return GUIDE.read_text()


def test_every_command_has_its_answer(guide: str) -> None:
    assert len(EXAMPLES) == guide.count("```sh\n") >= 5


@pytest.mark.parametrize(("command", "said"), EXAMPLES, ids=lambda text: re.sub(r"\W+", "-", text)[:30])
def test_commands_do_what_is_said(server: Server, tmp_path: Path, command: str, said: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl isn't installed: the guide's commands can't be run")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + random.Random(11).randbytes(4996))
    pattern = ".+?".join(re.escape(part) for part in said.split("…"))

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=tmp_path,
        env={**server.env, "SITE": server.url, "no_proxy": "*"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert re.fullmatch(pattern, done.stdout.replace("\r", "").rstrip("\n") + "\n"), (done.stdout, done.stderr)
    until(lambda: server.staged() == [])


def test_the_socket_says_what_is_said(server: Server, guide: str) -> None:
    code = re.search(r"```python\nfrom websockets.*?```", guide, re.DOTALL)
    assert code is not None
    sent = re.search(r'send\("(.*?)"\)', code[0])
    answers = re.findall(r"recv\(\)\)  # (.*)", code[0])
    query = re.search(r"/ws/upload/(\S+?)\"", code[0])
    assert sent is not None and query is not None

    with connect(
        f"ws://127.0.0.1:{server.port}/ws/upload/{query[1]}",
        origin=server.url,
        proxy=None,  # type: ignore[arg-type]
    ) as socket:
        socket.send(sent[1])
        assert [socket.recv(PATIENCE) for _ in answers] == answers


def test_every_error_is_explained(guide: str) -> None:
    table = guide[guide.index("### Errors") : guide.index("## tus")]
    rows = dict(re.findall(r"\| (\d+) \| (.*?) \|", table))

    for code in {*STATUS, *SENTENCES}:
        assert f"`{code}`" in rows[str(STATUS.get(code, 422))], code


def test_every_parameter_of_an_intake_is_explained(guide: str) -> None:
    parameters = set(inspect.signature(intakes.register).parameters) - {"slot"}

    assert {name for name in parameters if f"`{name}`" not in guide} == set()


def test_python_examples_can_be_read(guide: str) -> None:
    for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
        ast.parse(block)
