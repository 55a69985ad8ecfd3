"""What there is, and whether what was kept is what was sent."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from redis import Redis as Client

from liveview.tests.redis import Redis
from uploads.tests.http.ways.server import Server
from uploads.tests.moto import Moto

MEMORY: Final = 300  # MiB that caches, pools and fragmentation may have taken in three processes
NONSENSE: Final = "nonsense.dat"  # the name of what isn't compared
SPARE: Final = {"threads": 100, "descriptors": 100, "memory": MEMORY}  # pools are filled when they are first used


@dataclass(frozen=True)
class Census:
    """What there is. `threads`, `descriptors` and `memory` (MiB) are of the processes together."""

    staged: int = 0
    records: int = 0
    leases: int = 0
    objects: int = 0  # that nobody has kept
    multiparts: int = 0
    sessions: int = 0
    threads: int = 0
    descriptors: int = 0
    memory: int = 0

    def grown_since(self, before: Census) -> list[str]:
        """What there is more of than may be, in words."""
        found = []
        for field in fields(self):
            was, is_ = getattr(before, field.name), getattr(self, field.name)
            if is_ > was + SPARE.get(field.name, 0):
                found.append(f"{field.name}: {is_}, and {was} at the start")
        return found


def census(server: Server, redis: Redis, s3: Moto) -> Census:
    with Client.from_url(redis.url) as client:
        keys = [key.decode() for key in client.scan_iter("uploads:*")]
    leases = sum(key.endswith(":lease") for key in keys)
    processes = [Path(f"/proc/{each.pid}") for each in (server, *server.twins)]
    return Census(
        staged=len(server.staged()),
        records=len(keys) - leases,
        leases=leases,
        objects=len(strays(server, s3)),
        multiparts=len(s3.unfinished()),
        sessions=_sessions(server),
        threads=sum(len(list((process / "task").iterdir())) for process in processes),
        descriptors=sum(len(list((process / "fd").iterdir())) for process in processes),
        memory=sum(_resident(process) for process in processes) >> 20,
    )


def damaged(server: Server, s3: Moto) -> list[str]:
    """Of the files that were kept, those that aren't what was sent: their names say what that was."""
    found = []
    for path in sorted((server.folder / "kept").glob("*.json")):
        name, file = json.loads(path.read_text())["name"], path.with_suffix("")
        found += _compared(name, file.read_bytes() if file.exists() else None)
    kept = list(notes(server))
    there = set(s3.keys())
    for _, note in kept:
        found += _compared(note["name"], s3.read(note["key"]) if note["key"] in there else None)
    return found


def strays(server: Server, s3: Moto) -> list[str]:
    """The keys of objects that nobody has kept."""
    there = s3.keys()
    kept = {note["key"] for _, note in notes(server)}
    return [key for key in there if key not in kept]


def collect(server: Server, s3: Moto) -> list[str]:
    """Compares the objects that were kept, and throws them away; what was wrong."""
    wrong, kept = [], list(notes(server))
    there = set(s3.keys())  # after the notes, so that it has what they name
    for path, note in kept:
        wrong += _compared(note["name"], s3.read(note["key"]) if note["key"] in there else None)
        s3.client().delete_object(Bucket=s3.bucket, Key=note["key"])
        path.unlink()
    return wrong


def notes(server: Server) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Of the objects that were kept: where each note is, and what it says."""
    for path in sorted((server.folder / "kept").glob("*.s3")):
        yield path, json.loads(path.read_text())


def _compared(name: str, data: bytes | None) -> list[str]:
    if data is None:
        return [f"{name}: no file"]
    if name != NONSENSE and hashlib.sha256(data).hexdigest() != name[:64]:
        return [f"{name}: another content"]
    return []


def _sessions(server: Server) -> int:
    with contextlib.closing(sqlite3.connect(server.folder / "site.sqlite3", timeout=30)) as database:
        (count,) = database.execute("select count(*) from django_session").fetchone()
    return int(count)


def _resident(process: Path) -> int:
    return int((process / "statm").read_text().split()[1]) * 4096
