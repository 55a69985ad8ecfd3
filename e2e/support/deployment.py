"""The site as a Procfile host runs it: an environment made from requirements.txt, the Procfile's lines, no debug mode.

A host builds (collectstatic), releases, and starts web processes, each with a PORT of its own. The two here share a
folder: what one has staged, the other can go on with.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from e2e.support.venv import ROOT, Venv
from liveview.tests.ports import free_port

STARTS_WITHIN = 90.0  # seconds
ENDS_WITHIN = 30.0  # a host kills what hasn't ended by then
_PID = re.compile(r"started \(pid=(\d+)\)")
_PREFIX = re.compile(r"^\S+ web\.1\s+\| ?")


class Deployment:
    """`config` is what the host puts into the environment."""

    def __init__(self, venv: Venv, folder: Path, config: dict[str, str]) -> None:
        self.venv, self.folder = venv, folder
        self.environment = {**venv.environment, "DATA_DIR": str(folder / "data"), **config}
        for name in ("PYTEST_CURRENT_TEST", "LOG_LEVEL", "PORT"):
            self.environment.pop(name, None)

    def manage(self, *arguments: str, **more: str) -> str:
        """What a command of manage.py prints; it must succeed."""
        done = subprocess.run(
            [str(self.venv.python), "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}:\n{done.stdout}"
        return done.stdout

    def release(self) -> str:
        """Runs the Procfile's line for a release to its end."""
        done = subprocess.run(
            honcho("release"),
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def web(self, **more: str) -> Web:
        """Another web process, which answers."""
        return Web(self, more).start()


class Web:
    """The Procfile's line for `web`, run by honcho: one process, to be killed or asked to stop."""

    def __init__(self, deployment: Deployment, more: dict[str, str]) -> None:
        self.port = free_port()
        self.log = deployment.folder / f"web-{self.port}.log"
        self._environment = {**deployment.environment, **more, "PORT": str(self.port)}
        self._honcho: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Web:
        with self.log.open("ab") as log:
            self._honcho = subprocess.Popen(
                honcho("web"), cwd=ROOT, env=self._environment, stdout=log, stderr=subprocess.STDOUT
            )
        end, tick = time.monotonic() + STARTS_WITHIN, threading.Event()
        while not (self._answers() and _PID.search(self.log_text())):
            if self._honcho.poll() is not None or time.monotonic() > end:
                self._honcho.terminate()
                raise RuntimeError(f"the web process did not start; its log:\n{self.log_text()}")
            tick.wait(0.05)
        return self

    def kill(self) -> None:
        """SIGKILL: nothing is cleaned up."""
        self._signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """SIGTERM, as a host sends before it starts a new version elsewhere."""
        self._signal(signal.SIGTERM)

    def wait(self) -> None:
        """Returns when the process has ended; honcho ends with it."""
        if self._honcho is not None:
            try:
                self._honcho.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._honcho.wait()
                raise
            finally:
                self._honcho = None

    def stop(self) -> None:
        """Whatever state it is in."""
        if self._honcho is not None:
            self.kill()

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def lines(self) -> list[dict[str, Any]]:
        """What the site has logged, as a host's log would have it."""
        texts = [_PREFIX.sub("", line) for line in self.log_text().splitlines() if _PREFIX.match(line)]
        return [json.loads(text) for text in texts if text.startswith("{")]

    def _signal(self, number: int) -> None:
        """To the process group that honcho has made for the Procfile's line: the shell, if there is one, and daphne."""
        pids = _PID.findall(self.log_text())  # told before it answers, which start() waits for
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(int(pids[-1]), number)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=30) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def honcho(process: str) -> list[str]:
    """The command that runs one line of the Procfile. Nobody's own .env has a say."""
    return [sys.executable, "-u", "-m", "honcho", "--no-colour", "--env", os.devnull, "-d", str(ROOT), "start", process]
