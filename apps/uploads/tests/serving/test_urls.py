"""Uploaded files beside a project's own media, and below a path."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import clear_script_prefix, clear_url_caches, include, path, set_script_prefix
from django.views.static import serve as static_serve

import uploads.urls

OURS = f"gallery/{'a' * 32}.png"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture(autouse=True)
def _files(project: None, folders: Path, settings: Any) -> None:
    for name in (OURS, "invoices/1.pdf", "plain.txt"):
        default_storage.save(name, ContentFile(PNG))


@pytest.fixture
def urls(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """The project's URL configuration, to be filled."""
    module = types.ModuleType("serving_urls")
    monkeypatch.setitem(sys.modules, "serving_urls", module)
    settings.ROOT_URLCONF = "serving_urls"
    clear_url_caches()
    before = uploads.urls.urlpatterns
    yield module
    clear_script_prefix()
    uploads.urls.urlpatterns = before
    clear_url_caches()


def set_up(urls: types.ModuleType, settings: Any, *, first: bool = True) -> None:
    importlib.reload(uploads.urls)
    own = path("media/<path:path>", static_serve, {"document_root": settings.MEDIA_ROOT})
    ours = path("", include("uploads.urls"))
    urls.__dict__["urlpatterns"] = [ours, own] if first else [ours]


def test_a_projects_own_media_stay_its_own(client: Client, settings: Any, urls: types.ModuleType) -> None:
    settings.MEDIA_URL = "/media/"
    set_up(urls, settings)

    with closing(client.get(f"/media/{OURS}", headers={"range": "bytes=0-3"})) as ours:
        assert (ours.status_code, ours.getvalue()) == (206, PNG[:4])
        assert "sandbox" in ours["Content-Security-Policy"]
    for name in ("invoices/1.pdf", "plain.txt"):
        with closing(client.get(f"/media/{name}")) as own:
            assert (own.status_code, own.getvalue()) == (200, PNG)
            assert "sandbox" not in own.headers.get("Content-Security-Policy", "")


def test_where_nobody_else_answers_the_404_says_why(client: Client, settings: Any, urls: types.ModuleType) -> None:
    settings.MEDIA_URL, settings.DEBUG = "/media/", True
    set_up(urls, settings, first=False)

    told = client.get("/media/invoices/1.pdf")

    assert told.status_code == 404 and "PUBLIC" in told.text


@pytest.mark.parametrize("media_url", ["media/", "/below/media/"])
def test_a_site_below_a_path_serves_its_files(
    client: Client, settings: Any, urls: types.ModuleType, media_url: str
) -> None:
    set_script_prefix("/below/")
    settings.MEDIA_URL, settings.FORCE_SCRIPT_NAME = media_url, "/below"
    set_up(urls, settings)

    assert settings.MEDIA_URL == "/below/media/"
    with closing(client.get(f"/media/{OURS}")) as found:  # as Django sees it, without the path before
        assert (found.status_code, found.getvalue()) == (200, PNG)
