"""The words of ASGI that these applications speak, and a body as it arrives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final, TypeAlias

from uploads.errors import UploadError

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[str, str]]

PATIENCE: Final = 30.0  # seconds that a body may stand still

_ALWAYS: Final = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


class ClientGone(Exception):
    """The connection ended before the body did."""


async def pieces(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises `ClientGone` where it is cut off, `UploadError("timeout")` if it stands still."""
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


async def answer(send: Send, status: int, headers: Headers = (), body: bytes = b"") -> None:
    """One whole response; also to whom is gone already, which is no error."""
    every = [*_ALWAYS, *headers]
    if status != 204:
        every.append(("Content-Length", str(len(body))))
    lines = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in every]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, content: Any, headers: Headers = ()) -> None:
    await answer(send, status, [*headers, ("Content-Type", "application/json")], json.dumps(content).encode() + b"\n")
