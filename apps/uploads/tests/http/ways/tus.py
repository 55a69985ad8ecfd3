"""A client of tus that can do everything wrong."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urljoin

from uploads.tests.http.ways.raw import Answer
from uploads.tests.http.ways.server import Server

TUS = {"Tus-Resumable": "1.0.0"}
BODY = "application/offset+octet-stream"


def metadata(**values: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def checksum(data: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def create(server: Server, size: int | None = None, at: str = "/tus/", **headers: str) -> str:
    """The path of a new upload."""
    given = {**TUS, **_named(headers)}
    if size is not None:
        given["Upload-Length"] = str(size)
    answer = server.ask("POST", at, given)
    assert answer.status == 201, answer.body
    return located(answer, at)


def located(answer: Answer, at: str = "/tus/") -> str:
    """The path of what a POST to `at` has made."""
    path: str = urljoin(at, answer.headers["Location"])
    return path


def patching(offset: int, **headers: str) -> dict[str, str]:
    return {**TUS, "Upload-Offset": str(offset), "Content-Type": BODY, **_named(headers)}


def patch(server: Server, path: str, offset: int, data: bytes = b"", **headers: str) -> Answer:
    return server.ask("PATCH", path, patching(offset, **headers), data)


def head(server: Server, path: str, **headers: str) -> Answer:
    return server.ask("HEAD", path, {**TUS, **_named(headers)})


def offset(server: Server, path: str, **headers: str) -> int:
    answer = head(server, path, **headers)
    assert answer.status == 200, answer.status
    return int(answer.headers["Upload-Offset"])


def _named(headers: dict[str, Any]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
