"""The site, and beside it two bare WebSockets on the same daphne, with nothing of ours in them.

`/bench/sink/` takes binary messages and counts them. `/bench/acks/` does so too and answers each, as Phoenix LiveView
answers a chunk once it is written; here it isn't even written. A text message asks both how many bytes there were.
`/bench/turn/` says how long the event loop's longest turn was.

BENCH_HASH=none takes SHA-256 out of the uploads, to see what is left without it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, Final, TypeAlias

from channels.routing import ProtocolTypeRouter

from config.asgi import application as site
from uploads.staging import files

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

LOOK_EVERY: Final = 0.005  # seconds


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    match scope["path"]:
        case "/bench/sink/":
            await _take(receive, send, answers=False)
        case "/bench/acks/":
            await _take(receive, send, answers=True)
        case "/bench/turn/":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": str(PROBE.longest())})
        case _:
            await site.application_mapping["websocket"](scope, receive, send)


async def _take(receive: Receive, send: Send, *, answers: bool) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    count = 0
    while (message := await receive())["type"] != "websocket.disconnect":
        if (data := message.get("bytes")) is not None:
            count += len(data)
            if answers:
                await send({"type": "websocket.send", "text": "{}"})
        else:
            await send({"type": "websocket.send", "text": str(count)})


class _Probe:
    """How long the loop was kept from coming round, at the longest, since that was last asked."""

    def __init__(self) -> None:
        self._most = 0.0
        self._task: asyncio.Task[None] | None = None

    def longest(self) -> float:
        """Seconds."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._look())
        most, self._most = self._most, 0.0
        return most

    async def _look(self) -> None:
        while True:
            due = time.monotonic() + LOOK_EVERY
            await asyncio.sleep(LOOK_EVERY)
            self._most = max(self._most, time.monotonic() - due)


PROBE: Final = _Probe()


class _NoHash:
    def update(self, data: Any) -> None:
        """Nothing."""

    def hexdigest(self) -> str:
        return ""


if os.environ.get("BENCH_HASH") == "none":
    setattr(files, "hashlib", SimpleNamespace(sha256=_NoHash))  # noqa: B010  (which is typed as a module)

application = ProtocolTypeRouter({"http": site.application_mapping["http"], "websocket": websocket})
