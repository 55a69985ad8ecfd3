"""The projects in e2e/hosts, with an app of ours: copied in by the command, and by nothing but what it says."""

from __future__ import annotations

import re
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from copying.copies import Copies
from e2e.support.project import RUNSERVER, Project
from e2e.support.sending import sha256
from e2e.support.told import Told
from e2e.support.venv import ROOT, Venv, interpreter, kept

HOSTS = ROOT / "e2e" / "hosts"
OURS = ("channels>=4.3,<5", "daphne>=4.2.3,<5", "pillow>=12.3", "av>=18.1,<19", "uvicorn[standard]")
COLUMNS = ("project", "app", "Python", "Django", "pasted", "files", "MB", "packages", "stops", "seconds")


def environment(python: str, django: str) -> Venv:
    """For all projects that are tried with these two; `django` is a version, or "" for the newest."""
    found = interpreter(python)
    if found is None:
        pytest.skip(f"there is no Python {python} here")
    theirs = {line for path in HOSTS.glob("*/requirements.txt") for line in path.read_text().split()}
    wanted = sorted({*theirs - {"Django"}, *OURS, f"Django~={django}.0" if django else "Django"})
    return kept(f"python{python}-django{django or 'newest'}", found, wanted)


class Host(Project):
    """A copy of one of them. `told` is what the command said last."""

    def __init__(self, name: str, folder: Path, venv: Venv, command: Sequence[str] = RUNSERVER, **env: str) -> None:
        shutil.copytree(HOSTS / name, folder / name)
        super().__init__(folder / name, {**venv.environment, **env}, command)
        self.name, self.venv = name, venv
        self.app = self.label = ""
        self.into = self.folder
        self.told = Told("")
        self._began = time.perf_counter()

    def adopt(self, app: str, options: str = "", *, into: str = ".", label: str = "") -> None:
        """Does what a person does: copies, pastes, and has `check` look at it. All of that must go without a stop."""
        self.app, self.label, self.into = app, label or app, self.folder / into
        name = f" --as {label}" if label else ""
        self.told = Told(self.run_in_checkout(f"uplift/bin/copyapp {app} {into}{name} {options}"))
        assert set(self.told.packages) <= {*OURS, *self.requirements()}
        self.told.paste(self.folder)
        told = self.run("python manage.py check --fail-level CRITICAL")
        self.stops = len(re.findall(r"\(\w+\.[EW]\d+\)", told))  # what it only informs of is none
        assert self.stops == 0, told
        self.run("python manage.py migrate && python manage.py makemigrations --check --dry-run")

    def expect_stored(self, sent: Sequence[Path]) -> dict[str, Any]:
        """The database has the SHA-256 of every file that was sent, and of no other. A row for the table of all."""
        seconds = time.perf_counter() - self._began
        model = {"avatars": "Avatar", "gallery": "Photo", "videos": "Video"}[self.app]
        told = self.shell(
            f"from {self.label}.models import {model} as M; print(*(each.sha256 for each in M.objects.all()))"
        )
        assert sorted(told.splitlines()[-1].split()) == sorted(map(sha256, sent))
        return self._row(seconds)

    def expect_own_tests_pass(self) -> None:
        """All of the project's, and none of ours."""
        count = sum(path.read_text().count("def test_") for path in self.folder.rglob("tests.py"))
        if (self.folder / "pytest.ini").exists():
            assert f"{count} passed" in self.run("pytest -p no:cacheprovider")
        else:
            assert re.search(rf"^Ran {count} tests? ", self.run("python manage.py test"), re.MULTILINE)

    def shell(self, code: str) -> str:
        return self.run(f"python manage.py shell -c {shlex.quote(code)}")

    def requirements(self) -> list[str]:
        return (HOSTS / self.name / "requirements.txt").read_text().split()

    def _row(self, seconds: float) -> dict[str, Any]:
        files = Copies(self.into).base()
        before = _closure(self.venv, self.requirements())
        values = (
            self.name,
            self.app,
            ".".join(self.run("python --version").split()[1].split(".")[:2]),
            self.venv.version("Django"),
            self.told.lines(),
            len(files),
            round(sum(map(len, files.values())) / 1e6, 1),
            len(_closure(self.venv, self.told.packages) - before),
            self.stops,
            round(seconds),
        )
        return dict(zip(COLUMNS, values, strict=True))


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """As Markdown has tables."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *(tuple(row[column] for column in COLUMNS) for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _closure(venv: Venv, requirements: Sequence[str]) -> set[str]:
    """The packages that these are, with all that they need, as they are installed there."""
    (folder,) = venv.folder.glob("lib/python*/site-packages")
    there = {canonicalize_name(each.name): each for each in metadata.distributions(path=[str(folder)])}
    found: set[str] = set()
    todo = [Requirement(each) for each in requirements]
    seen = set()
    while todo:
        wanted = todo.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen or name not in there:
            continue
        seen.add((name, extras))
        found.add(name)
        for needed in map(Requirement, there[name].requires or []):
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                todo.append(needed)
    return found
