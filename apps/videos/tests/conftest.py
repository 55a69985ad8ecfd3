"""The videos in a project of their own: their URLs, and folders that a test has to itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liveview import jobs
from liveview.jobs.threads import Threads
from uploads.tests import media

Make = Callable[..., bytes]


def finish() -> None:
    """Returns when nothing is left to do in the background."""
    backend = jobs.backend()
    assert isinstance(backend, Threads)
    backend.join()


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.ROOT_URLCONF = "videos.tests.urls"
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.LIVEVIEW = {}
    settings.VIDEOS = {}
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": []}]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging"}
    yield tmp_path
    finish()
    staging = tmp_path / "staging"
    assert not staging.exists() or not list(staging.iterdir()), "a test left bytes in staging"


@pytest.fixture
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The bytes of a video; see `uploads.tests.media`."""

    def video(name: str = "a.mp4", **options: Any) -> bytes:
        return media.video(tmp_path_factory.mktemp("video") / name, **options).read_bytes()

    return video


@pytest.fixture
def waiting(folders: Path) -> Callable[[], list[str]]:
    """The names of the files that are left to process, once the background is through with those it was given."""

    def left() -> list[str]:
        finish()
        return sorted(path.name for path in folders.glob("staging-videos/*"))

    return left


@pytest.fixture
def no_background(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Nothing is processed by itself; the ids that would have been."""
    begun: list[int] = []
    monkeypatch.setattr(Threads, "_add", lambda self, task, jobs: begun.extend(job.args[0] for job in jobs))
    return begun
