"""A small project of its own for each test: its URLs, templates, media and staging folders."""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from liveview import process
from liveview.tests import processes
from uploads.content.limits import VideoLimits
from uploads.content.video.info import VideoInfo
from uploads.content.video.masked_file import Veil
from uploads.content.video.prescan import prescan
from uploads.entries.quotas import Ledger
from uploads.stores.choice import Stores
from uploads.stores.counts import AllCounts
from uploads.testing import UploadPage, mount
from uploads.tests.content.scanning import Scan

from .support import Gate

if TYPE_CHECKING:
    from .moto import Moto

start = processes.start  # a copy of the package comes without the plugin

HERE = Path(__file__).resolve().parent


@pytest.fixture
def folders(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_URL = "/media/"
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging"}
    process.current().forget(Ledger)  # what an earlier test has left unfinished keeps its room on the disk
    process.current().forget(AllCounts)  # a Redis that was away for an earlier test is there again
    process.current().forget(Stores)  # one of a Redis that has ended keeps the janitor from its work
    return tmp_path


@pytest.fixture
def staged(folders: Path) -> Callable[[], list[str]]:
    """The names of the files in the staging folder."""
    staging = folders / "staging"
    return lambda: sorted(path.name for path in staging.iterdir()) if staging.is_dir() else []


@pytest.fixture
def project(settings: Any, folders: Path) -> None:
    """Settings of a project that has nothing but these packages."""
    settings.ROOT_URLCONF = "uploads.tests.project"
    settings.LIVEVIEW = {}
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [HERE / "templates", HERE / "seeds" / "samples"],
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ]


@pytest.fixture
def allowed() -> set[str]:
    """Parts of the errors that a test means to be logged."""
    return set()


@pytest.fixture
def site(
    project: None, transactional_db: None, caplog: pytest.LogCaptureFixture, allowed: set[str]
) -> Iterator[Callable[..., UploadPage]]:
    """Mounts a page of `uploads.tests.project`. Whatever happened on it, nothing may have been logged as an error."""
    pages: list[UploadPage] = []

    def open_page(url: str = "/bench/", client: Client | None = None) -> UploadPage:
        page = mount(url, client)
        pages.append(page)
        return page.__enter__()

    yield open_page
    for page in pages:
        page.__exit__()
    records = [*caplog.get_records("call"), *caplog.records]
    errors = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
    assert [message for message in errors if not any(part in message for part in allowed)] == []


@pytest.fixture
def gate() -> Any:
    made = Gate()
    yield made
    made.open()


@pytest.fixture
def scan(tmp_path: Path) -> Iterator[Scan]:
    """Looks at the bytes of a video, as far as that is done without decoding it."""
    with contextlib.ExitStack() as files:

        def run(data: bytes, kind: str = "mp4", **limits: Any) -> tuple[VideoInfo, Veil]:
            path = tmp_path / f"received {next(numbers)}"
            path.write_bytes(data)
            return prescan(files.enter_context(path.open("rb")), kind, VideoLimits(**limits))

        numbers = itertools.count()
        yield run


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    from .moto import Moto  # boto3 is only there where S3 is used

    with Moto(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def moto(moto_server: Moto) -> Moto:
    """A real S3 server, as if it were new."""
    moto_server.reset()
    return moto_server


@pytest.fixture
def s3(moto: Moto) -> Moto:
    """The same, as if it were new for each test."""
    moto.reset()
    return moto
