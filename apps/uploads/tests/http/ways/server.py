"""The project in a process of its own, and what it has kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liveview.tests import processes
from uploads.staging import disk_space
from uploads.tests.http.ways.raw import Answer, Wire

PACKAGES = Path(__file__).resolve().parents[4]


class Server(processes.Server):
    """`processes` of one site, each at a port of its own, with the same data; `uploads` are the keys of `UPLOADS`."""

    application = "uploads.tests.http.ways.asgi:application"
    probe = "/up/"
    twins: Sequence[Server] = ()

    def __init__(
        self, folder: Path, *, processes: int = 1, redis_url: str = "", command: Sequence[str] = (), **uploads: Any
    ) -> None:
        env = {
            "PYTHONPATH": str(PACKAGES),
            "DJANGO_SETTINGS_MODULE": "uploads.tests.http.ways.settings",
            "WAYS_DATA": str(folder),
            "WAYS_REDIS": redis_url,
            "WAYS_CONF": json.dumps(uploads),
        }
        super().__init__(folder, env, command=command)
        self.twins = [self.twin() for _ in range(processes - 1)]

    @property
    def ports(self) -> list[int]:
        return [self.port, *(twin.port for twin in self.twins)]

    def launch(self) -> None:
        super().launch()
        for twin in self.twins:
            twin.launch()

    def wait_until_ready(self) -> None:
        super().wait_until_ready()
        for twin in self.twins:
            twin.wait_until_ready()

    def kill(self) -> None:
        for twin in self.twins:
            twin.kill()
        super().kill()

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
        return (
            sorted(path.name for path in staging.iterdir() if path.name != disk_space.NAMED) if staging.is_dir() else []
        )

    def staged_bytes(self, upload_id: str) -> int:
        path = self.folder / "staging" / upload_id
        return path.stat().st_size if path.exists() else 0


def hashes(server: Server, name: str) -> list[str]:
    """Of the files of that name that were handed over."""
    return [facts["sha256"] for facts in server.kept() if facts["name"] == name]
