"""Requests that don't say how long their bodies are: `Transfer-Encoding: chunked`, as programs send that stream a form.

Django reads no form without a `Content-Length`. It collects the body before it looks at the headers, so that the length
is among them by then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

Application: TypeAlias = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class Sized:
    """An ASGI application around Django."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or any(name.lower() == b"content-length" for name, _ in scope["headers"]):
            await self._application(scope, receive, send)
            return
        headers, length = list(scope["headers"]), 0

        async def measured() -> Any:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length and message["type"] == "http.request" and not message.get("more_body"):
                headers.append((b"content-length", str(length).encode()))
            return message

        await self._application({**scope, "headers": headers}, measured, send)
