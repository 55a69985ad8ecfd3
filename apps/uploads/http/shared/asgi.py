"""What these applications need of ASGI, and a body as it arrives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final, TypeAlias

from liveview.refusals import PASSING, RETRY_AFTER, UNUSED
from uploads.errors import UploadError

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[str, str]]

PATIENCE: Final = 30.0  # seconds that a body may stall


class ClientGone(Exception):
    """The connection ended before the body did."""


async def pieces(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises `ClientGone` if it is cut off, `UploadError("timeout")` if it stalls."""
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                message = await receive()
        except TimeoutError:
            raise UploadError("timeout") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


def always(status: int) -> list[tuple[str, str]]:
    """Headers of every answer."""
    headers = [
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Permissions-Policy", UNUSED.decode()),
    ]
    return [*headers, ("Retry-After", str(RETRY_AFTER))] if status in PASSING else headers


async def answer(send: Send, status: int, headers: Headers = (), body: bytes = b"") -> None:
    """Sends a whole response. A client that is gone already is no error."""
    every = [*always(status), *headers]
    if status != 204:
        every.append(("Content-Length", str(len(body))))
    lines = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in every]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, content: Any, headers: Headers = ()) -> None:
    await answer(send, status, [*headers, ("Content-Type", "application/json")], json.dumps(content).encode() + b"\n")
