"""The project in a process of its own, and what it has kept."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from liveview.tests.ports import free_port
from uploads.tests.http.ways.raw import HOST, Answer, Wire
from uploads.tests.support import until

PATIENCE = 60.0  # seconds that a start or an answer may take
PACKAGES = Path(__file__).resolve().parents[4]


class Server:
    """`processes` of one site, each on a port of its own, with the same data. `url` is that of the first."""

    application = "uploads.tests.http.ways.asgi:application"
    probe = "/up/"  # a page that is there as soon as the server is

    def __init__(self, folder: Path, *, processes: int = 1, redis_url: str = "", **uploads: Any) -> None:
        self.folder = folder
        self.ports = [free_port() for _ in range(processes)]
        self.log = folder / "server.log"
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
            "PYTHONPATH": str(PACKAGES),
            "DJANGO_SETTINGS_MODULE": "uploads.tests.http.ways.settings",
            "WAYS_DATA": str(folder),
            "WAYS_REDIS": redis_url,
            "WAYS_CONF": json.dumps(uploads),
        }

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> Server:
        """Returns when all of them answer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "site.sqlite3").exists():
            self.manage("migrate", "--noinput")
        command = [sys.executable, "-m", "liveview.daphne", "--bind", HOST, self.application]
        with self.log.open("ab") as log:
            for port in self.ports:
                self._running[port] = subprocess.Popen(
                    [*command, "--port", str(port)], cwd=self.folder, env=self.env, stdout=log, stderr=subprocess.STDOUT
                )
        for port in self.ports:
            until(lambda port=port: self._answers(port), PATIENCE)
        return self

    def kill(self) -> None:
        """SIGKILL: nothing is cleaned up."""
        running, self._running = self._running, {}
        for process in running.values():
            process.kill()
            process.wait()

    def manage(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "django", *arguments)

    def run(self, *command: str) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def cookie(self, path: str = "/visit/") -> str:
        """That of a new visitor who has been there."""
        with Wire(self.port) as wire:
            cookies = wire.ask("GET", path).headers.get_all("Set-Cookie", [])
        return next(cookie.partition(";")[0] for cookie in cookies if cookie.startswith("sessionid="))

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        with Wire(self.port) as wire:
            return wire.ask(method, path, headers, body)

    # What it has on its disk
    def kept(self) -> list[dict[str, Any]]:
        """What the intakes were given, each checked to be whole."""
        found = []
        for path in sorted((self.folder / "kept").glob("*.json")):
            facts = json.loads(path.read_text())
            assert hashlib.sha256(path.with_suffix("").read_bytes()).hexdigest() == facts["sha256"]
            found.append({**facts, "guid": path.stem})
        return found

    def staged(self) -> list[str]:
        staging = self.folder / "staging"
        return sorted(path.name for path in staging.iterdir()) if staging.is_dir() else []

    def staged_bytes(self, upload_id: str) -> int:
        path = self.folder / "staging" / upload_id
        return path.stat().st_size if path.exists() else 0

    def memory(self) -> int:
        """Resident bytes of the first process; the most that it ever had."""
        for line in Path(f"/proc/{self._running[self.port].pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def _answers(self, port: int) -> bool:
        process = self._running[port]
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}; its log:\n{self.log.read_text()}")
        try:
            with Wire(port) as wire:
                return wire.ask("GET", self.probe).status == 200
        except OSError:
            return False
