"""The test project in a daphne of its own, and a client that speaks to it over real sockets."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from liveview.core import messages
from liveview.core.messages import Message
from liveview.rendering import apply
from liveview.tests.ports import free_port

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds that a start or an answer may take
PACKAGES = Path(__file__).resolve().parents[2]


class Server:
    """`conf` are the keys of `LIVEVIEW`. With `command`, what Python runs in place of our server."""

    def __init__(
        self,
        folder: Path,
        *,
        redis_url: str = "",
        application: str = "liveview.tests.project.asgi:application",
        command: Sequence[str] = (),
        **conf: Any,
    ) -> None:
        self.port = free_port()
        ours = ("-m", "liveview.daphne", "--bind", "{host}", "--port", "{port}", application)
        self._command = [sys.executable, *(part.format(host=HOST, port=self.port) for part in command or ours)]
        self.log = folder / f"server-{self.port}.log"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
            "PYTHONPATH": str(PACKAGES),
            "DJANGO_SETTINGS_MODULE": "liveview.tests.project.settings",
            "LIVEVIEW_TEST_DATA": str(folder),
            "LIVEVIEW_TEST_REDIS": redis_url,
            "LIVEVIEW_TEST_CONF": json.dumps(conf),
        }

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> Server:
        """Returns when it answers."""
        if not (self._folder / "site.sqlite3").exists():
            self.manage("migrate", "--noinput")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        end, tick = time.monotonic() + PATIENCE, threading.Event()
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start; its log:\n{self.log.read_text()}")
            tick.wait(0.05)
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server isn't running"
        return self._process.pid

    def stop(self) -> None:
        """SIGTERM, as a host sends."""
        assert self._process is not None, "the server isn't running"
        self._process.terminate()

    def wait(self) -> int:
        """Returns the exit code when the process has ended."""
        assert self._process is not None, "the server isn't running"
        code, self._process = self._process.wait(PATIENCE), None
        return code

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "django", *arguments]
        done = subprocess.run(command, cwd=self._folder, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, code: str) -> str:
        """What `code` prints in a process of its own that has the same settings."""
        return self.manage("shell", "--no-imports", "-c", code).strip()

    def get(self, path: str, cookie: str = "") -> int:
        """The status of the answer."""
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path, headers={"Cookie": cookie})
            with connection.getresponse() as response:
                response.read()
                return response.status

    def _answers(self) -> bool:
        try:
            return self.get("/public/") == 200
        except OSError:
            return False


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
            connect(address, origin=server.origin, additional_headers=headers, proxy=None, open_timeout=PATIENCE)
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
