"""Clients of tus that nobody here wrote: tuspy, tus-js-client and Uppy, through a network and a server that fail."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from e2e.support.proxy import FaultProxy, link_to
from e2e.support.server import Server
from liveview.tests.ports import free_port
from liveview.tests.processes import until

HERE = Path(__file__).resolve().parent / "clients"
NODE_PACKAGES = ["tus-js-client@4.3.1", "@uppy/core@6.3.1", "@uppy/tus@6.0.0"]
SIZE = 12_000_000  # bytes
PATIENCE = 180  # seconds
ENDPOINT = "/tus/received/"
NGINX = """
daemon off; pid {folder}/nginx.pid; worker_processes 1;
events {{}}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location /below/it/ {{ proxy_pass {behind}/; proxy_http_version 1.1; proxy_request_buffering off; }}
  }}
}}
"""

Command = list[str]


@pytest.fixture(scope="session")
def node_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scratch folder with the clients from npm and our programs around them."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js and npm aren't installed: tus-js-client and Uppy can't be run")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=1", *NODE_PACKAGES]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.skip("npm's registry didn't answer in time: tus-js-client and Uppy can't be installed")
    if done.returncode:
        pytest.skip(f"npm couldn't install tus-js-client and Uppy: {done.stderr[-300:]}")
    for program in HERE.glob("*.mjs"):
        shutil.copy(program, folder)
    return folder


@pytest.fixture(params=["tuspy", "tus-js-client", "uppy"])
def client(request: pytest.FixtureRequest) -> Command:
    """The start of a command line; endpoint, file and chunk size follow."""
    if request.param == "tuspy":
        return [sys.executable, str(HERE / "with_tuspy.py")]
    folder: Path = request.getfixturevalue("node_clients")
    return ["node", str(folder / ("tus.mjs" if request.param == "tus-js-client" else "uppy.mjs"))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / f"Größe {tmp_path.name}.dat"
    path.write_bytes(random.Random(10).randbytes(SIZE))
    return path


link = link_to("server")


@contextmanager
def sending(command: Command, url: str, file: Path, chunk_size: int) -> Iterator[Callable[[], None]]:
    """Starts a client. What it yields waits until the client says that it is done."""
    process = subprocess.Popen(
        [*command, url + ENDPOINT, str(file), str(chunk_size)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def finish() -> None:
        out, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
        assert url + ENDPOINT in out

    try:
        yield finish
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def stripping(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an nginx that has the site below a path, of which the site knows nothing."""
    nginx = os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx:
        pytest.skip("there is no nginx here")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, port=port, behind=server.url))
    with subprocess.Popen([nginx, "-c", str(conf), "-p", str(folder), "-e", str(folder / "error.log")]) as process:
        try:
            until(lambda: is_listening(port))
            yield f"http://127.0.0.1:{port}/below/it"
        finally:
            process.terminate()


def is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_a_proxy_may_take_off_a_path(stripping: str, server: Server, client: Command, file: Path) -> None:
    """The address of the upload is right all the same."""
    with sending(client, stripping, file, 3_000_000) as finish:
        finish()

    assert_stored_once(server, file)


def assert_stored_once(server: Server, file: Path) -> None:
    """What is on the server's disk is what was sent, byte for byte."""
    with closing(server.db()) as db:
        rows = db.execute("SELECT file, size, sha256 FROM otherways_received WHERE name = ?", [file.name]).fetchall()
    assert len(rows) == 1
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    stored = (server.data_dir / "media" / rows[0]["file"]).read_bytes()
    assert (rows[0]["size"], rows[0]["sha256"], hashlib.sha256(stored).hexdigest()) == (SIZE, digest, digest)


@pytest.mark.parametrize("chunk_size", [0, 1_000_000])
def test_a_file_arrives(server: Server, client: Command, file: Path, chunk_size: int) -> None:
    with sending(client, server.url, file, chunk_size) as finish:
        finish()

    assert_stored_once(server, file)


@pytest.mark.parametrize("chunk_size", [0, 3_000_000])
def test_cuts_cost_little(server: Server, link: FaultProxy, client: Command, file: Path, chunk_size: int) -> None:
    link.rate = 6_000_000
    with sending(client, link.url, file, chunk_size) as finish:
        for place in (2_000_000, 6_000_000, 9_000_000):
            until(lambda place=place: link.bytes_up > place, within=PATIENCE)
            link.cut()
        finish()

    assert link.cuts == 3
    assert link.bytes_up < 1.9 * SIZE  # from the beginning each time it would be twice the file and more
    assert_stored_once(server, file)


def test_the_death_of_the_server_costs_little(
    tmp_path_factory: pytest.TempPathFactory, client: Command, file: Path
) -> None:
    with Server(tmp_path_factory.mktemp("mortal")) as own, FaultProxy(own.host, own.port, rate=6_000_000) as link:
        with sending(client, link.url, file, 0) as finish:
            until(lambda: link.bytes_up > 6_000_000, within=PATIENCE)
            own.kill()
            own.start()
            finish()

        assert link.bytes_up < 1.6 * SIZE
        assert_stored_once(own, file)
