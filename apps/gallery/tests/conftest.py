"""The gallery in a project of its own: its URLs, and media and staging folders that a test has to itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.ROOT_URLCONF = "gallery.tests.urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.LIVEVIEW = {}
    settings.GALLERY = {}
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": []}]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging"}
    yield tmp_path
    staging = tmp_path / "staging"
    assert not staging.exists() or not list(staging.iterdir()), "a test left bytes in staging"
