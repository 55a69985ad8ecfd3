"""Test a view without a browser, over the very socket that a browser uses.

    def test_counting(client):
        with mount("/counter/", client) as page:
            page.click("increment", by=2)
            assert "2" in page.html

`client` is Django's test client: its cookies are the visitor's. The tests need a database that threads can share:
`@pytest.mark.django_db(transaction=True)`, or Django's `TransactionTestCase`.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, Self, TypeVar

from asgiref.testing import ApplicationCommunicator
from django.core.signals import setting_changed
from django.test import Client

from liveview.conf import conf
from liveview.core import messages
from liveview.core.messages import Message
from liveview.rendering import apply
from liveview.socket import mounting
from liveview.socket.asgi import live_socket

__all__ = ["Closed", "LivePage", "Redirected", "ServerSaid", "mount"]

T = TypeVar("T")

TIMEOUT = 30.0  # seconds that any answer may take


class ServerSaid(AssertionError):
    """The server answered an event with an error; `code`, `message` and `id` are as a browser gets them."""

    def __init__(self, answer: Message) -> None:
        self.code: str = answer["code"]
        self.message: str = answer["message"]
        self.id: str | None = answer.get("id")
        super().__init__(f"{self.code}: {self.message}")


class Closed(AssertionError):
    """The server closed the socket with `code`."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"closed with {code}")


class Redirected(AssertionError):
    """The view isn't mounted: its address leads to `url`, as it does without a login that it asks for."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(f"redirected to {url}")


class LivePage:
    """A mounted view. `html` is what the browser would show, `received` every message since the mount.

    `streams` has the children of each stream's container, by name and then by id.
    """

    def __init__(self, url: str, client: Client | None = None, origin: str = "http://testserver") -> None:
        self.url = url
        self.client = client or Client()
        self.origin = origin
        self.streams: dict[str, dict[str, str]] = {}
        self.version = 0
        self.title = ""
        self.snapshot: str | None = None
        self.restored = False
        self.received: list[Message] = []
        self._patched = ""
        self._refs = 0
        self._loop = _loop()
        self._communicator: ApplicationCommunicator | None = None

    @property
    def html(self) -> str:
        """What is on the page, the children of streams included."""

        def filled(container: re.Match[str]) -> str:
            return container[0] + "".join(self.streams.get(container[1], {}).values())

        return re.sub(r"""<[^<>]*\sdj-stream=["']?([\w-]+)[^<>]*>""", filled, self._patched)

    # Life
    def __enter__(self) -> Self:
        if self._communicator is None:
            self.connect()
        return self

    def __exit__(self, *_raised: object) -> None:
        self.drop_connection()

    def connect(self) -> Self:
        """Opens a socket and mounts the view, with the state of the socket before where the server kept it.

        Raises `Redirected`; `ServerSaid` if there is no live page at this address or it couldn't be mounted; `Closed`.
        """
        self.drop_connection()
        self.open()
        self.send({"type": "mount", "protocol": messages.PROTOCOL, "url": self.url, "snapshot": self.snapshot})
        match self.wait_until(lambda message: message["type"] in ("mounted", "redirect", "error")):
            case {"type": "redirect", "url": url}:
                self.drop_connection()
                raise Redirected(url)
            case {"type": "error"} as answer:
                self.drop_connection()
                raise ServerSaid(answer)
        return self

    reconnect = connect

    def drop_connection(self) -> None:
        """The socket is gone, as when the network fails: without a close frame."""
        if self._communicator is not None:
            self._loop.run(self._leave(self._communicator))
            self._communicator = None

    # What a visitor does
    def click(self, event: str, **params: Any) -> None:
        """Runs a handler, as `dj-click` with `data-*` values does, and waits for the patch."""
        self.event(event, params)

    def submit(self, event: str, **fields: Any) -> None:
        """Runs a handler, as `dj-submit` with form fields does, and waits for the patch."""
        self.event(event, fields)

    def event(self, name: str, params: dict[str, Any]) -> None:
        ref = self._next_ref()
        self.send({"type": "event", "ref": ref, "name": name, "params": params})
        self.wait_until(lambda message: message["type"] == "ack" and message["ref"] == ref, ref)

    def call(self, function: str, **params: Any) -> Any:
        """The value of a server function."""
        ref = self._next_ref()
        self.send({"type": "call", "ref": ref, "name": function, "params": params})
        return self.wait_until(lambda message: message["type"] == "result" and message["ref"] == ref, ref)["value"]

    # The wire
    def open(self) -> None:
        """A socket on which nothing is mounted yet. Raises `Closed` if the server refuses it."""
        host = self.origin.partition("://")[2]
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.client.cookies.items())
        scope = {
            "type": "websocket",
            "scheme": "wss" if self.origin.startswith("https") else "ws",
            "path": conf().socket_path,
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", host.encode()),
                (b"origin", self.origin.encode()),
                (b"cookie", cookies.encode()),
                *self._headers(),
            ],
            "client": ["127.0.0.1", 50000],
            "server": ["127.0.0.1", 80],
        }
        self._communicator = self._loop.run(_communicator(scope))
        self._put({"type": "websocket.connect"})
        answer = self._get()
        if answer["type"] != "websocket.accept":
            raise Closed(403)

    def send(self, message: Message) -> None:
        self.send_text(json.dumps(message))

    def send_text(self, text: str) -> None:
        self._put({"type": "websocket.receive", "text": text})

    def send_bytes(self, frame: bytes) -> None:
        self._put({"type": "websocket.receive", "bytes": frame})

    def wait_for(self, kind: str) -> Message:
        """The next message of that type; those before it are handled as a browser would."""
        return self.wait_until(lambda message: message["type"] == kind)

    def wait_until(self, wanted: Callable[[Message], bool], ref: int | None = None) -> Message:
        """The next message that is `wanted`.

        Raises `ServerSaid` for an error about `ref`, `Closed` if the socket ends.
        """
        while True:
            message = self._next()
            self._handle(message)
            if wanted(message):
                return message
            if message["type"] == "error" and ref is not None and message.get("ref") == ref:
                raise ServerSaid(message)

    def wait_closed(self) -> int:
        """The code that the server closes the socket with."""
        try:
            self.wait_until(lambda message: False)
        except Closed as closed:
            return closed.code
        raise AssertionError("unreachable")

    def wait_html(self, text: str) -> None:
        """Until `text` is on the page."""
        while text not in self.html:
            self._handle(self._next())

    # Inside
    def _headers(self) -> list[tuple[bytes, bytes]]:
        """Those that the client sends with every request."""
        return [
            (name.removeprefix("HTTP_").replace("_", "-").lower().encode(), str(value).encode("latin-1"))
            for name, value in self.client.defaults.items()
            if name.startswith("HTTP_")
        ]

    def _next_ref(self) -> int:
        self._refs += 1
        return self._refs

    def _put(self, event: dict[str, Any]) -> None:
        assert self._communicator is not None, "not connected"
        self._loop.run(self._communicator.send_input(event))

    def _get(self) -> dict[str, Any]:
        assert self._communicator is not None, "not connected"
        answer: dict[str, Any] = self._loop.run(self._communicator.receive_output(TIMEOUT))
        return answer

    def _next(self) -> Message:
        event = self._get()
        if event["type"] == "websocket.close":
            raise Closed(event["code"])
        message: Message = json.loads(event["text"])
        self.received.append(message)
        return message

    def _handle(self, message: Message) -> None:
        match message["type"]:
            case "mounted":
                self._patched, self.version, self.title = message["html"], message["version"], message["title"]
                self.snapshot, self.restored = message["snapshot"], message["restored"]
            case "patch":
                assert message["version"] == self.version + 1, "a patch was lost"
                self._patched = apply(self._patched, [tuple(splice) for splice in message["splices"]])
                self.version = message["version"]
            case "html":
                self._patched, self.version = message["html"], message["version"]
            case "stream":
                for op in message["ops"]:
                    self.streams[message["name"]] = _changed(self.streams.get(message["name"], {}), op)
            case "title":
                self.title = message["title"]

    async def _leave(self, communicator: ApplicationCommunicator) -> None:
        await communicator.send_input({"type": "websocket.disconnect", "code": 1006})
        await communicator.wait(TIMEOUT)


def mount(url: str, client: Client | None = None) -> LivePage:
    """The view at `url`, as `client`'s visitor gets it. Makes the HTTP request first, as a browser does."""
    page = LivePage(url, client)
    page.client.get(url)
    return page


async def _communicator(scope: dict[str, Any]) -> ApplicationCommunicator:
    return ApplicationCommunicator(live_socket, scope)


def _changed(children: dict[str, str], op: list[Any]) -> dict[str, str]:
    """As static/liveview/streams.js does it."""
    match op:
        case ["reset", items]:
            return dict(items)
        case ["insert", dom_id, at, html] if dom_id in children or not 0 <= at < len(children):
            return {**children, dom_id: html}
        case ["insert", dom_id, at, html]:
            others = list(children.items())
            return dict([*others[:at], (dom_id, html), *others[at:]])
        case ["delete", dom_id]:
            return {other: html for other, html in children.items() if other != dom_id}
    raise AssertionError(f"no such operation: {op}")


@cache
def _loop() -> _Loop:
    return _Loop()


class _Loop:
    """The event loop of all pages, in its own thread, so that tests stay synchronous and can use the database."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(TIMEOUT + 5)


def _reload(*, setting: str, **_kwargs: Any) -> None:
    """Middleware is loaded once, except where a test changes it."""
    if setting in ("MIDDLEWARE", "ROOT_URLCONF"):
        mounting.handler.cache_clear()


setting_changed.connect(_reload)
