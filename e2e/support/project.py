"""A project of somebody else's, as Django makes it, and its development server."""

from __future__ import annotations

import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from liveview.tests.ports import free_port

STARTS_WITHIN = 60.0  # seconds


class Project:
    """What `startproject` makes, run by one interpreter in one environment."""

    def __init__(self, folder: Path, python: Path, environment: dict[str, str], name: str = "mysite") -> None:
        self.folder, self.python, self._environment = folder, python, environment
        self.url = ""
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        self.run(f"django-admin startproject {name} .")

    def run(self, command: str) -> str:
        """What a line of shell prints; it must succeed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}"
        return done.stdout

    def start(self) -> None:
        """`runserver`, without the process that watches for changes. Returns when it answers."""
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(self.python), "manage.py", "runserver", "--noreload", address],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        end, tick = time.monotonic() + STARTS_WITHIN, threading.Event()
        while not _answers(f"{self.url}/"):
            assert self._process.poll() is None and time.monotonic() < end, self.log.read_text()
            tick.wait(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
