"""The site as a Procfile host runs it: an environment made from requirements.txt, the Procfile's lines, no debug mode.

A host builds (collectstatic), releases, and starts web processes and workers, each with a PORT and a disk of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

from e2e.support.venv import ROOT, Venv
from liveview.tests.processes import Program

_PID = re.compile(r"started \(pid=(\d+)\)")
_PREFIX = re.compile(r"^\S+ \w+\.1\s+\| ?")


class Deployment:
    """`config` is what the host puts into the environment, `root` the version that it runs."""

    def __init__(self, venv: Venv, folder: Path, config: dict[str, str], root: Path = ROOT) -> None:
        self.venv, self.folder, self.root = venv, folder, root
        data = folder / "data"
        self.environment = {**venv.environment, "DATA_DIR": str(data), "STATIC_ROOT": str(data / "static"), **config}
        for name in ("PYTEST_CURRENT_TEST", "LOG_LEVEL", "PORT"):
            self.environment.pop(name, None)

    def manage(self, *arguments: str, **more: str) -> str:
        """What a command of manage.py prints; it must succeed."""
        return self._run([str(self.venv.python), "manage.py", *arguments], more)

    def hashed(self) -> dict[str, Path]:
        """The names under which it delivers its static files, and where these are."""
        folder = Path(self.environment["STATIC_ROOT"])
        names: dict[str, str] = json.loads((folder / "staticfiles.json").read_text())["paths"]
        return {name: folder / name for name in names.values()}

    def release(self) -> str:
        """Runs the Procfile's line for a release to its end."""
        return self._run(honcho("release", self.root), {})

    def web(self, **more: str) -> Web:
        """Another web process, which answers."""
        return Web(self, more).start()

    def worker(self, **more: str) -> Worker:
        """Another worker, which takes jobs."""
        return Worker(self, more).start()

    def _run(self, command: list[str], more: dict[str, str]) -> str:
        env = {**self.environment, **more}
        done = subprocess.run(
            command, cwd=self.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}"
        return done.stdout


class Process(Program):
    """One of the Procfile's lines, run by honcho: to be killed, asked to stop, and started again on an empty disk."""

    line: ClassVar[str]
    starts_within = 90.0  # seconds
    ends_within = 30.0  # a host kills what hasn't ended by then

    def __init__(self, deployment: Deployment, more: dict[str, str]) -> None:
        root = deployment.root
        command = honcho(self.line, root)
        super().__init__(deployment.folder, command, env={**deployment.environment, **more}, cwd=root)
        self.disk = deployment.folder / f"disk-{self.port}"
        self.env |= {"PORT": str(self.port), "DATA_DIR": str(self.disk)}
        self._begins = 0  # in its log

    def launch(self) -> None:
        self._begins = len(self.log_text())
        super().launch()

    def vanish(self) -> None:
        """SIGKILL, and its disk is thrown away."""
        self.kill()
        shutil.rmtree(self.disk, ignore_errors=True)

    def lines(self) -> list[dict[str, Any]]:
        """What the site has logged, as a host's log would have it."""
        texts = [_PREFIX.sub("", line) for line in self.log_text().splitlines() if _PREFIX.match(line)]
        return [json.loads(text) for text in texts if text.startswith("{")]

    def signal(self, number: int) -> None:
        """To the process group that honcho has made for the Procfile's line: the shell, if there is one, and Python."""
        pids = _PID.findall(self._said)  # told before it is ready
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(int(pids[-1]), number) if pids else super().signal(number)

    @property
    def _said(self) -> str:
        """Since it was started."""
        return self.log_text()[self._begins :]


class Web(Process):
    line = "web"
    probe = "/healthz"

    def is_ready(self) -> bool:
        return super().is_ready() and bool(_PID.search(self._said))


class Worker(Process):
    line = "worker"

    def is_ready(self) -> bool:
        return "worker begins" in self._said


def honcho(process: str, root: Path = ROOT) -> list[str]:
    """The command that runs one line of the Procfile. Nobody's own .env has a say."""
    return [sys.executable, "-u", "-m", "honcho", "--no-colour", "--env", os.devnull, "-d", str(root), "start", process]
