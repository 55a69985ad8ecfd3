"""Browsers that Playwright brings no driver for, each by the protocol that it speaks itself.

Firefox speaks WebDriver BiDi over a WebSocket, WebKitGTK classic WebDriver through its own driver, on a screen of Xvfb.
Both are Debian's. What they share is `Driven`: enough for a visitor who clicks, types and chooses files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from glob import glob
from pathlib import Path
from typing import Any, ClassVar, Self

from websockets.sync.client import connect

from liveview.tests.ports import free_port
from liveview.tests.processes import PATIENCE, until

LONG = 60.0  # seconds: a slow machine takes its time
MESSAGE = 1 << 24  # bytes
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's own name for one
MINI_BROWSER = "/usr/lib/*/webkit2gtk-4*/MiniBrowser"


class Driven(ABC):
    """A browser with one page."""

    name: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    @classmethod
    @abstractmethod
    def lacks(cls) -> str:
        """What isn't installed that it needs, by name."""

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def open(self, url: str) -> None: ...

    @abstractmethod
    def run(self, expression: str) -> Any:
        """The value of some JavaScript, without waiting for it."""

    @abstractmethod
    def click(self, selector: str) -> None: ...

    @abstractmethod
    def type(self, selector: str, text: str) -> None: ...

    @abstractmethod
    def choose(self, selector: str, path: Path) -> None: ...

    def wait(self, expression: str) -> Any:
        """Its value as soon as that is true."""
        try:
            return until(lambda: self.run(expression), within=LONG, every=0.05)
        except AssertionError:
            raise AssertionError(f"{self.name}: never {expression}; {self.run('document.body.innerText')}") from None

    def _launch(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self.folder / "browser.log").open("ab"))
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **env})
        self._stack.callback(self._end, process)
        return process

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


class Firefox(Driven):
    name = "Firefox"
    programs: ClassVar[tuple[str, ...]] = ("firefox-esr", "firefox")

    @classmethod
    def lacks(cls) -> str:
        return "" if any(map(shutil.which, cls.programs)) else "firefox-esr"

    def start(self) -> None:
        program = next(filter(None, map(shutil.which, self.programs)))
        profile = self.folder / "profile"
        profile.mkdir()
        quiet = {
            "media.autoplay.default": 0,
            "app.update.auto": False,
            "datareporting.policy.dataSubmissionEnabled": False,
        }
        prefs = "".join(f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in quiet.items())
        (profile / "user.js").write_text(prefs)
        self._launch(program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0")
        log = self.folder / "browser.log"
        found = until(lambda: re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text(errors="replace")))
        self._ids = 0
        self._socket = self._stack.enter_context(connect(f"{found[1]}/session", max_size=MESSAGE))  # type: ignore[index]
        self.ask("session.new", capabilities={})
        self._page = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        self._ids += 1
        self._socket.send(json.dumps({"id": self._ids, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == self._ids:
                assert answer["type"] == "success", f"{method}: {answer}"
                return answer["result"]

    def open(self, url: str) -> None:
        self.ask("browsingContext.navigate", context=self._page, url=url, wait="interactive")

    def run(self, expression: str) -> Any:
        code = f"JSON.stringify({expression}) ?? null"
        target = {"context": self._page}
        answer = self.ask("script.evaluate", expression=code, target=target, awaitPromise=False)
        assert answer["type"] == "success", answer
        value = answer["result"].get("value")
        return None if value is None else json.loads(value)

    def click(self, selector: str) -> None:
        origin = {"type": "element", "element": self._find(selector)}
        actions = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{ block: 'center' }})")
        self.ask(
            "input.performActions", context=self._page, actions=[{"type": "pointer", "id": "mouse", "actions": actions}]
        )

    def type(self, selector: str, text: str) -> None:
        self.click(selector)
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self.ask("input.performActions", context=self._page, actions=[{"type": "key", "id": "keys", "actions": keys}])

    def choose(self, selector: str, path: Path) -> None:
        self.ask("input.setFiles", context=self._page, element=self._find(selector), files=[str(path)])

    def _find(self, selector: str) -> dict[str, str]:
        locator = {"type": "css", "value": selector}
        node = self.ask("browsingContext.locateNodes", context=self._page, locator=locator)["nodes"][0]
        return {"sharedId": node["sharedId"]}


class WebKit(Driven):
    """WebKitGTK's MiniBrowser: the engine of Safari, and of GNOME Web."""

    name = "WebKitGTK"
    programs: ClassVar[tuple[str, ...]] = ("WebKitWebDriver", "Xvfb")

    @classmethod
    def lacks(cls) -> str:
        missing = [program for program in cls.programs if not shutil.which(program)]
        return ", ".join(missing if glob(MINI_BROWSER) else [*missing, "MiniBrowser"])

    def start(self) -> None:
        screen = self._launch("Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp")
        assert screen.stdout is not None
        port, runtime = free_port(), self.folder / "runtime"
        runtime.mkdir(mode=0o700)
        self._launch(
            "WebKitWebDriver",
            f"--port={port}",
            DISPLAY=f":{screen.stdout.readline().decode().strip()}",
            XDG_RUNTIME_DIR=str(runtime),
            NO_AT_BRIDGE="1",  # no accessibility bus
            WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS="1",  # needs user namespaces, and sees our own pages only
        )
        self._base = f"http://127.0.0.1:{port}"
        until(self._is_there)
        options = {"binary": glob(MINI_BROWSER)[0], "args": ["--automation"]}
        wanted = {"alwaysMatch": {"browserName": "MiniBrowser", "webkitgtk:browserOptions": options}}
        self._base += f"/session/{self.ask('POST', '/session', capabilities=wanted)['sessionId']}"
        self._stack.callback(lambda: self.ask("DELETE", ""))

    def ask(self, method: str, path: str, **body: Any) -> Any:
        data = None if method == "DELETE" else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{path}: {refused.read().decode()}") from None

    def _is_there(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self._base}/status", timeout=PATIENCE):
            return True
        return False

    def open(self, url: str) -> None:
        self.ask("POST", "/url", url=url)

    def run(self, expression: str) -> Any:
        code = f"return JSON.stringify({expression}) ?? null"
        value = self.ask("POST", "/execute/sync", script=code, args=[])
        return None if value is None else json.loads(value)

    def click(self, selector: str) -> None:
        self.ask("POST", f"/element/{self._find(selector)}/click")

    def type(self, selector: str, text: str) -> None:
        self.ask("POST", f"/element/{self._find(selector)}/value", text=text)

    def choose(self, selector: str, path: Path) -> None:
        self.type(selector, str(path))

    def _find(self, selector: str) -> str:
        found: str = self.ask("POST", "/element", using="css selector", value=selector)[ELEMENT]
        return found
