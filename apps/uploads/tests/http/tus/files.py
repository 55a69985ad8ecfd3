"""A file to send, and what became of the files that were sent."""

from __future__ import annotations

import random

from uploads.tests.http.ways.server import Server

DATA = random.Random(1).randbytes(300_000)


def kept(server: Server, name: str) -> list[str]:
    """The hashes of the files of that name that were handed over."""
    return [facts["sha256"] for facts in server.kept() if facts["name"] == name]
