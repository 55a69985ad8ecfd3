"""Django reads forms that don't say how long they are."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.test import override_settings

from liveview.routing import live

FORM = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'


class Django:
    """As Django's own handler does: first the body, then the headers."""

    def __init__(self) -> None:
        self.requests: list[ASGIRequest] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.requests.append(ASGIRequest(scope, io.BytesIO(body)))


def ask(pieces: list[bytes], *headers: tuple[bytes, bytes]) -> ASGIRequest:
    django = Django()
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    given = [(b"content-type", b"multipart/form-data; boundary=x"), *headers]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": given}
    asyncio.run(live(django)(scope, receive, None))
    assert scope["headers"] == [(b"content-type", b"multipart/form-data; boundary=x"), *headers]
    return django.requests[0]


@override_settings(FILE_UPLOAD_HANDLERS=["django.core.files.uploadhandler.MemoryFileUploadHandler"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_form_in_pieces_has_its_fields(size: int) -> None:
    pieces = [FORM[at : at + size] for at in range(0, len(FORM), size)]

    request = ask(pieces, (b"transfer-encoding", b"chunked"))

    assert request.POST == {"a": ["1"]}
    assert request.META["CONTENT_LENGTH"] == str(len(FORM))


def test_a_length_that_is_told_stays() -> None:
    assert ask([FORM], (b"content-length", b"5")).META["CONTENT_LENGTH"] == "5"


def test_a_request_without_a_body_has_no_length() -> None:
    assert "CONTENT_LENGTH" not in ask([]).META
