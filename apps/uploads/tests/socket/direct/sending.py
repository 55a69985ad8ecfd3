"""What a browser does whose files go straight to S3."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from liveview.core.messages import Message
from uploads.testing import UploadPage
from uploads.tests.support import TEXT

MIB = 1024 * 1024
LONG = (TEXT * 60)[: 12 * MIB + 345]  # three parts of 5 MiB
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)


def register(page: UploadPage, slot: str, name: str, size: int, **more: Any) -> Message:
    """Announces a file; the server's whole answer. Raises `Refused`."""
    ref = f"test-{page._next_ref()}"
    page.send({"type": "upload_register", "slot": slot, "ref": ref, "name": name, "size": size, "mime": "", **more})
    return page.upload_answer(ref, "upload_registered")


def send(url: str, data: bytes, headers: dict[str, str] | None = None, method: str = "PUT") -> int:
    plain = {"Content-Type": "application/octet-stream"}  # or Python says that it is a form
    request = urllib.request.Request(url, data=data, method=method, headers=headers or plain)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def put(external: dict[str, Any], data: bytes) -> int:
    return send(external["url"], data, external["headers"])


def put_parts(page: UploadPage, answer: Message, data: bytes, numbers: list[int]) -> None:
    size = answer["external"]["part_size"]
    page.send({"type": "upload_sign", "ref": answer["ref"], "parts": numbers})
    signed = page.upload_answer(answer["ref"], "upload_signed", len(page.received) - 1)
    for number in numbers:
        url = signed["external"]["urls"][str(number)]
        assert send(url, data[(number - 1) * size : number * size]) == 200


def done(page: UploadPage, ref: str) -> None:
    page.send({"type": "upload_external_done", "ref": ref})


def upload(page: UploadPage, slot: str, name: str, data: bytes) -> str:
    """The whole way of a small file; its ref."""
    answer = register(page, slot, name, len(data))
    assert put(answer["external"], data) == 200
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    ref: str = answer["ref"]
    return ref
