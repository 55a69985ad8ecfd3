"""Fresh virtual environments, and interpreters to make them with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CANDIDATES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3")


class Venv:
    """Made when it is made; `python` is its interpreter."""

    def __init__(self, folder: Path, interpreter: str = sys.executable) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
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
