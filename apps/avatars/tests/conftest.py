"""The avatars app in a project of its own: its URLs, and media and staging folders that a test has to itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from uploads.testing import UploadPage, mount


@pytest.fixture
def folders(settings: Any, tmp_path: Path) -> Path:
    settings.ROOT_URLCONF = "avatars.tests.urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.LIVEVIEW = {}
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": []}]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging"}
    return tmp_path


@pytest.fixture
def stored(folders: Path) -> Callable[[], list[Path]]:
    """The files in storage."""
    return lambda: [path for path in (folders / "media").rglob("*") if path.is_file()]


@pytest.fixture
def staged(folders: Path) -> Callable[[], list[str]]:
    staging = folders / "staging"
    return lambda: sorted(path.name for path in staging.iterdir()) if staging.is_dir() else []


@pytest.fixture
def allowed() -> set[str]:
    """Parts of the errors that a test means to be logged."""
    return set()


@pytest.fixture
def open_page(
    folders: Path, transactional_db: None, caplog: pytest.LogCaptureFixture, allowed: set[str]
) -> Iterator[Callable[..., UploadPage]]:
    """Mounts the avatar page for a client's visitor. Nothing may be logged as an error."""
    pages: list[UploadPage] = []

    def open_one(client: Client | None = None) -> UploadPage:
        pages.append(mount("/avatars/", client))
        return pages[-1].__enter__()

    yield open_one
    for page in pages:
        page.__exit__()
    records = [*caplog.get_records("call"), *caplog.records]
    errors = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    assert [message for message in errors if not any(part in message for part in allowed)] == []
