"""docs/copy-an-app.md: its storage of hashed static files, pasted into a project that has an app of ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from e2e.support.readme import Readme

ROOT = Path(settings.ROOT)
IMPORT = re.compile(r"""\b(?:import|from)\s*\(?\s*["'](\.{1,2}/[^"']+\.js)["']""")


def test_modules_import_each_other_by_their_hashed_names(tmp_path: Path) -> None:
    _run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    Readme((ROOT / "apps" / "avatars" / "README.md").read_text()).paste(tmp_path)
    guide = Readme((ROOT / "docs" / "copy-an-app.md").read_text())
    assert guide.paste(tmp_path) == ["mysite/storage.py", "mysite/settings.py"]

    _run(tmp_path, "manage.py", "check", "--fail-level", "WARNING")
    _run(tmp_path, "manage.py", "collectstatic", "--noinput")

    collected = (tmp_path / "static-files").resolve()
    hashed = [path for app in ("liveview", "uploads", "avatars") for path in collected.glob(f"{app}/*.js")]
    hashed = [path for path in hashed if re.search(r"\.[0-9a-f]{12}\.js$", path.name)]
    imported = {(path, name) for path in hashed for name in IMPORT.findall(path.read_text())}
    assert {"liveview", "uploads", "avatars"} == {path.parent.name for path, _ in imported}
    assert {name for path, name in imported if (path.parent / name).resolve() not in hashed} == set()


def _run(project: Path, *command: str) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**env, "PYTHONPATH": str(ROOT / "apps")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
