"""A project of somebody else's, as Django makes it, and its development server."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from e2e.support.venv import ROOT
from liveview.tests.processes import Program

RUNSERVER = ("python", "manage.py", "runserver", "--noreload", "{host}:{port}")  # without the process that sees changes


class Project(Program):
    """The one in `folder`, or there what `startproject` makes; run in one environment."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], command: Sequence[str] = RUNSERVER, name: str = "mysite"
    ) -> None:
        super().__init__(folder, command, env=env)
        if not folder.exists():
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

    def run_in_checkout(self, command: str) -> str:
        """A line of shell with a checkout of ours called `uplift` beside the project, as the guides say it."""
        checkout = self.folder / "uplift"
        checkout.symlink_to(ROOT)
        try:
            return self.run(command)
        finally:
            checkout.unlink()

    def is_ready(self) -> bool:
        """Whatever it answers: its first page may well be elsewhere."""
        return self.get("/") > 0
