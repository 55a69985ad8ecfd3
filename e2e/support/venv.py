"""Virtual environments, fresh or kept for the next run, and interpreters to make them with."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CANDIDATES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3")
KEPT = Path(sys.prefix).resolve() / "kept"  # its programs name their interpreter by that path
OUR_PINS = ("requirements.txt", "requirements-test.txt")


class Venv:
    """Made if it isn't there; `python` is its interpreter."""

    def __init__(self, folder: Path, interpreter: str = sys.executable) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        if self.python.exists():
            return
        if uv := shutil.which("uv"):
            _run([uv, "venv", "--quiet", "--python", interpreter, str(folder)])
        else:
            _run([interpreter, "-m", "venv", str(folder)])

    def install(self, *arguments: str, cwd: Path = ROOT) -> None:
        """As `pip install` has it. Compiling everything would take longer than it saves."""
        if uv := shutil.which("uv"):
            _run([uv, "pip", "install", "--quiet", "--python", str(self.python), *arguments], cwd)
        else:
            pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
            _run([*pip, *arguments], cwd)

    def version(self, package: str) -> str:
        code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
        return subprocess.check_output([str(self.python), "-c", code, package], text=True).strip()

    @property
    def environment(self) -> dict[str, str]:
        """This process's, as after `source bin/activate`, and without what makes Django find a project."""
        names = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PYTHONHOME", "DEBUG", "SECRET_KEY", "DATA_DIR")
        env = {name: value for name, value in os.environ.items() if name not in names}
        return {**env, "VIRTUAL_ENV": str(self.folder), "PATH": f"{self.folder / 'bin'}{os.pathsep}{env['PATH']}"}


def kept(name: str, interpreter: str, packages: Sequence[str]) -> Venv:
    """One that stays for the next run, beside the packages of this one. Our pins hold, but for Django's."""
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process of this run, or of another
        pins, stamp = our_pins(folder, but="Django"), folder / "made.txt"
        wanted = "\n".join([str(folder), interpreter, *packages, pins.read_text()])
        if stamp.exists() and stamp.read_text() == wanted:
            return Venv(folder / "venv")
        shutil.rmtree(folder / "venv", ignore_errors=True)
        made = Venv(folder / "venv", interpreter)
        made.install("-c", str(pins), *packages)
        stamp.write_text(wanted)
        return made


def our_pins(folder: Path, but: str) -> Path:
    """A file of constraints: the versions that this project is tested with, but for one package's."""
    text = "".join((ROOT / name).read_text() for name in OUR_PINS)
    pins = [line for line in text.splitlines() if "==" in line and not line.startswith(f"{but}==")]
    file = folder / "constraints.txt"
    file.write_text("".join(re.sub(r"\[.*\]", "", f"{pin}\n") for pin in pins))  # without extras
    return file


def interpreter(version: str) -> str | None:
    """That of one Python, "3.11"; version managers keep those off the PATH that a folder doesn't ask for."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [sys.executable, f"python{version}", *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    found = filter(None, map(_look, candidates))
    return next((path for numbers, path in found if numbers[:2] == tuple(map(int, version.split(".")))), None)


@cache
def newest_interpreter() -> str:
    """The newest Python there is here: the newest Django may not run on the one that runs this."""
    return max(filter(None, map(_look, [*CANDIDATES, sys.executable])))[1]


def _look(interpreter: str) -> tuple[tuple[int, ...], str] | None:
    """Its version and its true path, if it can make environments. Version managers have placeholders that can't run."""
    needed = "sys" if shutil.which("uv") else "ensurepip, sys, venv"
    code = f"import {needed}; print(*sys.version_info[:3], sys.executable)"
    try:
        done = subprocess.run([interpreter, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    *numbers, path = done.stdout.strip().split(" ", 3)
    return tuple(map(int, numbers)), path


def _run(command: list[str], cwd: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
