"""The site in a process of its own: what `bin/serve` starts, with its data in a folder that goes away."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from copy import copy
from pathlib import Path

from liveview.tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
STARTS_WITHIN = 60  # seconds
ENDS_WITHIN = 15
PROBE_EVERY = 0.05

# What would make the site under test another one.
OURS = (
    "ALLOWED_HOSTS",
    "AWS_STORAGE_BUCKET_NAME",
    "BUCKETEER_BUCKET_NAME",
    "BUCKET_NAME",
    "DATABASE_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "HTTPS",
    "REDIS_URL",
    "SECRET_KEY",
)


class Server:
    """A site that can be stopped and started again on the same port, with the same data.

    `debug=False` serves it as a host does: hashed static files, no debug pages. `extra` is more of its environment.
    """

    def __init__(self, folder: Path, *, debug: bool = True, extra: dict[str, str] | None = None) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "server.log"
        self.port = free_port()
        self._env = {name: value for name, value in os.environ.items() if name not in OURS}
        self._env |= {"PYTHONPATH": os.pathsep.join(["site", "apps"]), "DATA_DIR": str(self.data_dir)}
        self._env |= {"DEBUG": "1"} if debug else {"SECRET_KEY": "only-for-tests", "ALLOWED_HOSTS": HOST}
        self._env |= extra or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.data_dir.mkdir(parents=True)
        self._manage("migrate", "--noinput")
        if not debug:
            self._manage("collectstatic", "--noinput")

    def twin(self) -> Server:
        """Another process of the same deployment: the same data, on a port of its own."""
        twin = copy(self)
        twin.port, twin._process = free_port(), None
        twin.log = self.log.with_name(f"server-{twin.port}.log")
        return twin

    @property
    def host(self) -> str:
        return HOST

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server isn't running"
        return self._process.pid

    def start(self) -> Server:
        """Returns when it answers."""
        listen = ["--bind", HOST, "--port", str(self.port)]
        command = [sys.executable, "-m", "liveview.daphne", *listen, "config.asgi:application"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=subprocess.STDOUT)
        self._wait_until_it_answers()
        return self

    def terminate(self) -> None:
        """SIGTERM, as a host sends. Close pages first: during an upgrade to WebSocket CPython 3.11 may crash of it."""
        process = self._forget()
        if process is not None:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self) -> None:
        """SIGKILL: nothing is cleaned up."""
        process = self._forget()
        if process is not None:
            process.kill()
            process.wait()

    def db(self) -> sqlite3.Connection:
        """The site's database, to be read; the caller closes it."""
        connection = sqlite3.connect(f"file:{self.data_dir / 'site.sqlite3'}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        return connection

    def memory(self) -> int:
        """Bytes that the process has in memory now."""
        status = Path(f"/proc/{self.pid}/statm")
        if status.exists():
            return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        found = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)
        return int(found.stdout) * 1024

    def staged(self) -> set[Path]:
        """Files that wait for their rest, a handler or being processed."""
        folders = [self.data_dir / name for name in ("staging", "staging-videos")]
        return {path for folder in folders if folder.exists() for path in folder.iterdir()}

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _forget(self) -> subprocess.Popen[bytes] | None:
        process, self._process = self._process, None
        return process

    def _manage(self, *command: str) -> None:
        run = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=self._env, capture_output=True, text=True
        )
        if run.returncode:
            raise RuntimeError(f"manage.py {' '.join(command)} failed:\n{run.stdout}{run.stderr}")

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTS_WITHIN
        while not _answers(f"{self.url}/healthz"):
            try:
                code = self._process.wait(PROBE_EVERY)
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
                self.kill()
                code = None
            how = "did not answer in time" if code is None else f"ended with code {code}"
            raise RuntimeError(f"the server {how}; its log:\n{self.log_text()}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
