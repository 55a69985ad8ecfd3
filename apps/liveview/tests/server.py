"""The test project in a daphne of its own, and a client that speaks to it over real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from liveview.core import messages
from liveview.core.messages import Message
from liveview.rendering import apply
from liveview.tests import processes
from liveview.tests.ports import HOST
from liveview.tests.processes import PATIENCE

PACKAGES = Path(__file__).resolve().parents[2]


class Server(processes.Server):
    """The test project; `conf` are the keys of `LIVEVIEW`."""

    application = "liveview.tests.project.asgi:application"
    probe = "/public/"

    def __init__(
        self, folder: Path, *, redis_url: str = "", application: str = "", command: Sequence[str] = (), **conf: Any
    ) -> None:
        env = {
            "PYTHONPATH": str(PACKAGES),
            "DJANGO_SETTINGS_MODULE": "liveview.tests.project.settings",
            "LIVEVIEW_TEST_DATA": str(folder),
            "LIVEVIEW_TEST_REDIS": redis_url,
            "LIVEVIEW_TEST_CONF": json.dumps(conf),
        }
        super().__init__(folder, env, application=application, command=command)


class Visitor:
    """A page's socket. `html` is what a browser would show."""

    def __init__(self, server: Server, url: str, cookie: str = "", snapshot: str | None = None) -> None:
        self.url = url
        self.html = ""
        self._refs = 0
        headers = {"Cookie": cookie} if cookie else {}
        address = f"ws://{HOST}:{server.port}/live/"
        self._stack = ExitStack()
        self.socket = self._stack.enter_context(
            connect(address, origin=Origin(server.url), additional_headers=headers, proxy=None, open_timeout=PATIENCE)
        )
        self.send({"type": "mount", "protocol": messages.PROTOCOL, "url": url, "snapshot": snapshot})
        mounted = self.wait_for("mounted")
        self.snapshot, self.restored = mounted["snapshot"], mounted["restored"]

    def event(self, name: str, **params: Any) -> None:
        self.start(name, **params)
        ref = self._refs
        self.wait_until(lambda message: message["type"] == "ack" and message["ref"] == ref)

    def start(self, name: str, **params: Any) -> None:
        """An event whose end isn't waited for."""
        self._refs += 1
        self.send({"type": "event", "ref": self._refs, "name": name, "params": params})

    def send(self, message: Message) -> None:
        self.socket.send(json.dumps(message))

    def wait_for(self, kind: str) -> Message:
        return self.wait_until(lambda message: message["type"] == kind)

    def wait_until(self, wanted: Callable[[Message], bool]) -> Message:
        while True:
            message: Message = json.loads(self.socket.recv(PATIENCE))
            match message["type"]:
                case "mounted" | "html":
                    self.html = message["html"]
                case "patch":
                    self.html = apply(self.html, [tuple(splice) for splice in message["splices"]])
            if wanted(message):
                return message

    def wait_html(self, text: str) -> None:
        while text not in self.html:
            self.wait_until(lambda message: True)

    def wait_closed(self) -> int:
        """The code that the server closed with."""
        try:
            while True:
                self.socket.recv(PATIENCE)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def leave(self) -> None:
        self._stack.close()
