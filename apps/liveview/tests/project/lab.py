"""Raw ASGI applications that show what a server does with bodies and sockets; all other paths are Django's."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from asgiref.sync import sync_to_async
from channels.routing import ProtocolTypeRouter

from liveview.daphne import capped
from liveview.daphne.accounts import Accounts
from liveview.daphne.turns import Turns
from liveview.process import here
from liveview.tests.project.asgi import application as project

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]

PIECE: Final = bytes(64 * 1024)

seen: dict[str, dict[str, Any]] = {}  # by path: what has arrived
largest: dict[str, int] = defaultdict(int)  # by path: bytes of a piece of a body
sent: dict[str, int] = defaultdict(int)  # by path: bytes that `send` has returned for
gates: dict[str, asyncio.Event] = defaultdict(asyncio.Event)  # by path: opened by /go/…


async def http(scope: Scope, receive: Receive, send: Send) -> None:
    path: str = scope["path"]
    match path.strip("/").split("/"):
        case ["sink", *_]:
            await _answer(send, await _read(path, receive))
        case ["slow", *_]:
            seen[path] = {"bytes": 0, "end": None}
            await gates[path].wait()
            await _answer(send, await _read(path, receive))
        case ["client"]:
            await _answer(send, _client(scope))
        case ["deaf"]:
            await _answer(send, {"deaf": True})
        case ["flood", count]:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(int(count)):
                await send({"type": "http.response.body", "body": PIECE, "more_body": True})
                sent[path] += len(PIECE)
            await send({"type": "http.response.body"})
        case ["go", *rest]:
            gates["/" + "/".join(rest)].set()
            await _answer(send, {})
        case ["seen", *rest]:
            await _answer(send, seen.get("/" + "/".join(rest), {}))
        case ["largest", *rest]:
            await _answer(send, {"bytes": largest["/" + "/".join(rest)]})
        case ["sent", *rest]:
            await _answer(send, {"bytes": sent["/" + "/".join(rest)]})
        case ["burn"]:
            await sync_to_async(_burn)(0.2)
            await _answer(send, {})
        case ["account", address, *what]:
            await _answer(send, _account(address, what))
        case _:
            await project.application_mapping["http"](scope, receive, send)


async def _read(path: str, receive: Receive) -> dict[str, Any]:
    """All of a body; `end` is how it ended."""
    digest, count = hashlib.sha256(), 0
    while True:
        message = await receive()
        body = message.get("body", b"")
        digest.update(body)
        count += len(body)
        largest[path] = max(largest[path], len(body))
        is_over = not message.get("more_body")
        seen[path] = {"bytes": count, "sha256": digest.hexdigest(), "end": message["type"] if is_over else None}
        if is_over:
            return seen[path]


async def _answer(send: Send, value: Any) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    path: str = scope["path"]
    match path.strip("/").split("/"):
        case ["echo"]:
            await _echo(path, receive, send)
        case ["client"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": json.dumps(_client(scope))})
        case ["hoard", *_]:
            await send({"type": "websocket.accept"})
            await gates[path].wait()
            await _hoard(path, receive, send)
        case ["burn"]:
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                _burn(0.02)
        case ["flood", count]:
            await send({"type": "websocket.accept"})
            for _ in range(int(count)):
                await send({"type": "websocket.send", "bytes": PIECE})
                sent[path] += len(PIECE)
        case _:
            await project.application_mapping["websocket"](scope, receive, send)


def _account(address: str, what: list[str]) -> dict[str, float]:
    """What an address owes. `hold`: it owes much, and nobody's turn comes until `go`."""
    turns, account = here(Turns), here(Accounts).of(address)
    if what:
        account.budget.owe(1000 if what == ["hold"] else -1000)
        turns._free_at = time.monotonic() + 3600 if what == ["hold"] else 0
        if turns._timer is not None:
            turns._timer.cancel()
            turns._timer = None
        turns._arrange()
    return {"owed": account.budget.owed, "waiting": account.waiting}


def _burn(seconds: float) -> None:
    """Keeps the event loop for so much of the processor's time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def _client(scope: Scope) -> dict[str, Any]:
    headers = [value.decode() for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return {"address": scope["client"][0], "headers": headers}


async def _echo(path: str, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "websocket.send", "text": message["text"]})
    seen[path] = {"code": message["code"]}


async def _hoard(path: str, receive: Receive, send: Send) -> None:
    """Takes binary messages until a text one, and tells what there was."""
    digest, count = hashlib.sha256(), 0
    while "text" not in (message := await receive()) and message["type"] != "websocket.disconnect":
        digest.update(message.get("bytes", b""))
        count += len(message.get("bytes", b""))
    seen[path] = {"bytes": count, "sha256": digest.hexdigest()}
    await send({"type": "websocket.send", "text": json.dumps(seen[path])})


application = ProtocolTypeRouter({"http": capped(http), "websocket": websocket})
