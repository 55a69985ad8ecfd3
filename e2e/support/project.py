"""A project of somebody else's, as Django makes it, and its development server."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from liveview.tests.processes import Program


class Project(Program):
    """What `startproject` makes, run by one interpreter in one environment, without the process that sees changes."""

    def __init__(self, folder: Path, python: Path, env: Mapping[str, str], name: str = "mysite") -> None:
        super().__init__(folder, [python, "manage.py", "runserver", "--noreload", "{host}:{port}"], env=env)
        folder.mkdir()
        self.run(f"django-admin startproject {name} .")

    def run(self, command: str) -> str:
        """What a line of shell prints; it must succeed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}:\n{done.stdout}"
        return done.stdout

    def is_ready(self) -> bool:
        """Whatever it answers: its first page may well be elsewhere."""
        return self.get("/") > 0
