"""Two versions of the site side by side, each with static files of its own."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config import databases, static_files
from liveview.tests.processes import served
from liveview.tests.redis import Redis

Version = Callable[[str], static_files.StaticFiles]
OTHER = "body { color: black }"

redis = served(Redis)


@pytest.fixture
def version(tmp_path: Path, redis: Redis, settings: Any) -> Version:
    """Builds one whose only file has that text; what a process answers with that runs it."""
    settings.CACHES = databases.caches(redis.url)
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "config.storage.HashedStaticFilesStorage"}}

    def build(text: str) -> static_files.StaticFiles:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        (folder / "from").mkdir(parents=True)
        (folder / "from" / "page.css").write_text(text)
        settings.STATICFILES_DIRS = [folder / "from"]
        settings.STATIC_ROOT = folder / "to"
        call_command("collectstatic", interactive=False, verbosity=0)
        return static_files.StaticFiles(nothing)

    return build


def nothing(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=404)


def ask(process: static_files.StaticFiles, url: str, encoding: str = "") -> Any:
    answer = process(RequestFactory().get(url, headers={"Accept-Encoding": encoding}))
    answer.close()
    return answer


def test_a_process_has_the_files_of_a_version_that_it_does_not_run(version: Version) -> None:
    own = version(OTHER)
    url = staticfiles_storage.url("page.css")
    static_files.share()
    other = version("body { color: white }")

    plain, zipped = (ask(other, url, encoding) for encoding in ("", "gzip, br"))

    assert (plain.status_code, plain.content) == (200, OTHER.encode())
    assert (zipped["Content-Encoding"], gzip.decompress(zipped.content)) == ("gzip", OTHER.encode())
    expected = ask(own, url)
    for name in ("Content-Type", "Cache-Control", "Access-Control-Allow-Origin"):
        assert plain[name] == zipped[name] == expected[name]
    assert plain["Vary"] == zipped["Vary"] == "Accept-Encoding"


def test_a_process_that_runs_on_keeps_them_there(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another of its version has done so already."""
    put: list[str] = []
    version("body { color: red }")
    static_files.share()
    monkeypatch.setattr(static_files.shared_cache, "put", lambda key, *_: put.append(key))

    static_files.share()
    assert put == []

    monkeypatch.setattr(static_files.shared_cache, "get", lambda key: None)  # an hour later
    static_files.share()
    assert len(put) == 2


def test_what_nobody_has_is_not_there_nor_is_anything_without_redis(version: Version, redis: Redis) -> None:
    process = version(OTHER)
    unknown = "/static/page.0123456789ab.css"
    assert ask(process, unknown).status_code == 404

    redis.kill()
    try:
        assert ask(process, unknown).status_code == 404
        assert ask(process, staticfiles_storage.url("page.css")).status_code == 200
    finally:
        redis.start()
