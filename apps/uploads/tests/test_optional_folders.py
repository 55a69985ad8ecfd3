"""Each opt-in folder can be deleted, and all at once: the rest passes its checks, takes a file and makes pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

APPS = Path(settings.ROOT) / "apps"
SMOKE = Path(__file__).with_name("smoke")
FOLDERS = ["liveview/daphne", "uploads/content/video", "uploads/fallback", "uploads/http", "uploads/s3"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with both packages, as a project has them that has copied no tests, and the tiny project."""
    for package in ("liveview", "uploads"):
        ignored = shutil.ignore_patterns("tests", "__pycache__")
        shutil.copytree(APPS / package, tmp_path / package, ignore=ignored)
    shutil.copytree(SMOKE, tmp_path / "smoke")
    return tmp_path


@pytest.mark.parametrize(
    "deleted",
    [[], *([folder] for folder in FOLDERS), ["uploads/content"], FOLDERS],
    ids=["nothing", *FOLDERS, "uploads/content", "all"],
)
def test_a_project_may_delete(copy: Path, deleted: list[str]) -> None:
    for folder in deleted:
        shutil.rmtree(copy / folder)

    run = subprocess.run(
        [sys.executable, "-P", "-m", "smoke"],
        cwd=copy,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert run.returncode == 0, run.stderr[-4000:]
