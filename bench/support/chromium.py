"""Chromium by its own DevTools protocol, without Playwright.

Playwright has every page report each WebSocket message with its payload: that doubles the work of a page that uploads,
and halves its speed where the processor is the bound. Here a page is only told where to go, what to evaluate, and which
file is chosen.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from e2e.conftest import QUIET, SYSTEM_BROWSERS
from playwright.sync_api import sync_playwright
from websockets.sync.client import ClientConnection, connect

HOST: Final = "127.0.0.1"
STARTS_WITHIN: Final = 60  # seconds
LOADS_WITHIN: Final = 60
LISTENING: Final = re.compile(r"ws://[\d.]+:(\d+)/")


class ScriptFailed(Exception):
    """An expression raised in the page; the message is the page's."""


class Page:
    """A tab, with a visitor's cookies of its own."""

    def __init__(self, address: str) -> None:
        self._socket: ClientConnection = connect(address, max_size=None, proxy=None, open_timeout=STARTS_WITHIN)
        self._number = 0

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol; its result, waited for however long it takes."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != self._number:
            pass  # events
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def goto(self, url: str, ready: str = "document.readyState === 'complete'") -> None:
        """Returns when the expression `ready` is true there."""
        self.send("Page.navigate", url=url)
        self.wait_for(f"location.href.startsWith({json.dumps(url)}) && ({ready})")

    def wait_for(self, condition: str, within: float = LOADS_WITHIN) -> None:
        """Raises `TimeoutError` after so many seconds."""
        deadline = time.monotonic() + within
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise TimeoutError(condition)
            time.sleep(0.05)

    def evaluate(self, expression: str) -> Any:
        """Its value, or what its promise becomes. Raises `ScriptFailed`."""
        return self._evaluate(expression, returnByValue=True, awaitPromise=True).get("value")

    def call(self, function: str, *arguments: Any) -> Any:
        """The same of a function's source, called with these."""
        return self.evaluate(f"({function})({', '.join(map(json.dumps, arguments))})")

    def choose(self, selector: str, *files: Path) -> None:
        """Chooses files in an input, as a visitor does."""
        found = self._evaluate(f"document.querySelector({json.dumps(selector)})")
        self.send("DOM.setFileInputFiles", files=[*map(str, files)], objectId=found["objectId"])

    def close(self) -> None:
        self.send("Page.close")
        self._socket.close()

    def _evaluate(self, expression: str, **options: bool) -> dict[str, Any]:
        answer = self.send("Runtime.evaluate", expression=expression, **options)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ScriptFailed(details.get("exception", {}).get("description", details["text"]))
        result: dict[str, Any] = answer["result"]
        return result


class Browser:
    def __init__(self, port: int) -> None:
        self._port = port

    @contextmanager
    def page(self) -> Iterator[Page]:
        request = urllib.request.Request(f"http://{HOST}:{self._port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request) as answer:
            page = Page(json.load(answer)["webSocketDebuggerUrl"])
        try:
            yield page
        finally:
            page.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """`$E2E_CHROMIUM`, Playwright's own, or the system's, as the browser tests choose it."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="bench-chromium-", ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", *QUIET, *root]
        command = [_program(), *options, "about:blank"]
        # Into a file: a pipe that nobody empties any more would stop it as soon as it is full.
        with Path(profile, "stderr.log").open("w+") as said, subprocess.Popen(command, stderr=said) as process:
            try:
                yield Browser(_port(process, Path(said.name)))
            finally:
                process.terminate()
                try:
                    process.wait(STARTS_WITHIN)
                except subprocess.TimeoutExpired:
                    process.kill()


def _program() -> str:
    if named := os.environ.get("E2E_CHROMIUM"):
        return named
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    found = own if Path(own).exists() else next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)
    if found is None:
        raise SystemExit("no browser: run `playwright install chromium` or install your system's chromium")
    return found


def _port(process: subprocess.Popen[bytes], said: Path) -> int:
    deadline = time.monotonic() + STARTS_WITHIN
    while not (found := LISTENING.search(said.read_text())):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Chromium doesn't listen:\n{said.read_text()}")
        time.sleep(0.05)
    return int(found[1])
