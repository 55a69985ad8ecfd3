"""Each test has the settings of `liveview.tests.project`, whatever project this package was copied into."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from liveview.testing import LivePage, mount
from liveview.tests import processes
from liveview.tests.processes import Start, served
from liveview.tests.project import settings as project_settings
from liveview.tests.project.views import Bench, Gate
from liveview.tests.redis import Redis
from liveview.tests.server import Server, Visitor

SHARED = (
    "ALLOWED_HOSTS",
    "CHANNEL_LAYERS",
    "LANGUAGES",
    "LANGUAGE_CODE",
    "LIVEVIEW",
    "LOGIN_URL",
    "MIDDLEWARE",
    "ROOT_URLCONF",
    "TEMPLATES",
)

start = processes.start  # a copy of the package comes without the plugin

Open = Callable[..., LivePage]


@pytest.fixture(autouse=True)
def project(settings: Any) -> None:
    for name in SHARED:
        setattr(settings, name, getattr(project_settings, name))
    settings.LOCALE_PATHS = []
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def site(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Mounts the page at a URL; the keywords are attributes of `Bench`, which is the page if there is no URL."""
    pages: list[LivePage] = []
    Gate.opened.clear()

    def open_page(url: str = "/bench/", client: Client | None = None, **behaviour: Any) -> LivePage:
        for name, value in behaviour.items():
            monkeypatch.setattr(Bench, name, value)
        opened = mount(url, client)
        pages.append(opened)
        return opened.__enter__()

    yield open_page
    Gate.opened.set()
    for opened in pages:
        opened.__exit__()
    cache.clear()


@pytest.fixture
def blank(transactional_db: None) -> Iterator[LivePage]:
    """A socket on which nothing is mounted."""
    opened = LivePage("/bench/")
    opened.open()
    yield opened
    opened.drop_connection()


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """What the runtime has logged as errors."""
    return lambda: "\n".join(record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR)


@pytest.fixture
def server(start: Start) -> Start:
    """Starts our daphne with the test project; all that one test starts share a database and a cache."""
    return partial(start, Server)


@pytest.fixture
def visit(server: Callable[..., Server]) -> Iterator[Callable[..., Visitor]]:
    """Opens a page of a server."""
    visitors: list[Visitor] = []

    def open_page(*args: Any, **options: Any) -> Visitor:
        visitors.append(Visitor(*args, **options))
        return visitors[-1]

    yield open_page
    for each in visitors:
        each.leave()


redis = served(Redis, scope="function")
