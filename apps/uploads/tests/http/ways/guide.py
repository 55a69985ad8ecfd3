"""docs/http.md: its commands with the answers that it promises, and its files to paste."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from uploads.tests.http.ways.raw import PATIENCE

GUIDE = Path(__file__).resolve().parents[5] / "docs" / "http.md"
TEXT = GUIDE.read_text() if GUIDE.exists() else ""  # a copy of the package has no docs

# A command, and the answers that follow it.
EXAMPLES = re.findall(r"```sh\n(.*?)```\n\n```(?:text|json)\n(.*?)```", TEXT, re.DOTALL)

_FILE = re.compile(r"<!-- file: (?P<path>\S+)(?P<end> \(end\))? -->\n```python\n(?P<text>.*?)```", re.DOTALL)
_WRITTEN_FOR = "127.0.0.1:8000"


def obey(command: str, said: str, folder: Path, env: Mapping[str, str], url: str) -> None:
    """Runs a command as somebody would who has a `photo.jpg` and the site at `url`; it must print what is said.

    "…" stands for what differs each time.
    """
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + random.Random(11).randbytes(4996))
    pattern = ".+?".join(re.escape(part) for part in said.split("…"))
    done = _run(["bash", "-euo", "pipefail", "-c", command], folder, {**env, "SITE": url})
    assert re.fullmatch(pattern, done.stdout.replace("\r", "").rstrip("\n") + "\n"), (done.stdout, done.stderr)


def program(beginning: str) -> str:
    """The Python block that begins so."""
    (found,) = re.findall(rf"```python\n({re.escape(beginning)}.*?)```", TEXT, re.DOTALL)
    return str(found)


def run_program(source: str, folder: Path, env: Mapping[str, str], url: str) -> str:
    """What it prints, run against `url`; it must succeed."""
    assert _WRITTEN_FOR in source
    done = _run([sys.executable, "-c", source.replace(_WRITTEN_FOR, url.partition("://")[2])], folder, env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def paste(project: Path) -> list[str]:
    """Pastes its files where they belong; which files these were."""
    pasted = []
    for block in _FILE.finditer(TEXT):
        path = project / block["path"]
        before = f"{path.read_text()}\n" if block["end"] else ""
        path.write_text(before + block["text"])
        pasted.append(block["path"])
    return pasted


def _run(command: list[str], folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env={**env, "no_proxy": "*"}, capture_output=True, text=True, timeout=2 * PATIENCE
    )
