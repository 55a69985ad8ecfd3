"""A page without a WebSocket, as its visitor's browser has it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.test import Client

from uploads.tests.project import BenchView

BENCH = "/bench/"
DATA = b"hello " * 20_000


class Page:
    """A page as its visitor's browser has it: cookies, CSRF checks and all."""

    def __init__(self, path: str = BENCH, client: Client | None = None) -> None:
        self.path = path
        self.client = client or Client(enforce_csrf_checks=True)
        self.config = self.client.get(path, headers={"X-Upload": "config"}).json()

    def send(self, kind: str, content: bytes, content_type: str, **headers: str) -> Any:
        given = {"X-Upload": kind, "X-CSRFToken": self.config["csrf_token"], **headers}
        return self.client.post(self.path, content, content_type=content_type, headers=given)

    def tell(self, kind: str, **fields: Any) -> Any:
        return self.send("message", json.dumps({"type": kind, **fields}).encode(), "application/json")

    def answer(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The one message that a message is answered with."""
        response = self.tell(kind, **fields)
        assert response.status_code == 200, response.content
        [message] = response.json()["messages"]
        return dict(message)

    def register(
        self, slot: str = "doc", name: str = "a.txt", size: int = len(DATA), ref: str = "r-1"
    ) -> dict[str, Any]:
        return self.answer("upload_register", slot=slot, ref=ref, name=name, size=size, mime="text/plain")

    def chunk(self, upload_id: str, offset: int, data: bytes) -> Any:
        headers = {"X-Upload-Id": upload_id, "Upload-Offset": str(offset)}
        return self.send("chunk", data, "application/offset+octet-stream", **headers)

    def begin(self, slot: str = "doc", data: bytes = DATA, ref: str = "r-1", upto: int | None = None) -> str:
        """Sends a file, or the beginning of it; its id."""
        upload_id = str(self.register(slot, size=len(data), ref=ref)["upload_id"])
        assert self.chunk(upload_id, 0, data[:upto]).status_code == 200
        return upload_id

    def done(self, upload_id: str, ref: str = "r-1") -> dict[str, Any]:
        return self.answer("upload_done", ref=ref, upload_id=upload_id)

    def submit(self, *uploads: str, **fields: str) -> Any:
        """The form. Each upload is `<id> <ref>`."""
        content = {"_event": "run", "csrfmiddlewaretoken": self.config["csrf_token"], "_upload": uploads, **fields}
        return self.client.post(self.path, content, headers={"X-Upload": "form"})


def consume(*slots: str) -> Callable[[BenchView], None]:
    """A handler that says the hashes of what it got."""

    def run(view: BenchView) -> None:
        found = [entry for slot in slots for entry in view.consume_uploaded_entries(slot)]
        view.said = " ".join(entry.sha256 + f"({entry.slot.name})" for entry in found) or "nothing"

    return run


def sha256(data: bytes = DATA) -> str:
    return hashlib.sha256(data).hexdigest()


def codes(response: Any) -> list[str]:
    return [message.get("code", message["type"]) for message in response.json()["messages"]]
