"""What `manage.py check` says to someone who copied the package, each with the line to paste."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf.urls.static import static
from django.urls import clear_url_caches, include, path

from uploads import intakes
from uploads.checks import check_installation, check_settings

urlpatterns: list[object] = []


@pytest.fixture
def complete(settings: Any, project: None) -> None:
    settings.LIVEVIEW = {"LAYOUT": "uploads/layout.html"}
    clear_url_caches()


def found() -> dict[str | None, str]:
    return {message.id: str(message.hint) for message in check_installation(None)}


def test_a_project_that_is_complete_hears_nothing(complete: None) -> None:
    assert found() == {}


def test_liveview_is_needed(complete: None, settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "liveview"]

    assert '"liveview", "uploads"]' in found()["uploads.E002"]


def test_a_layout_without_the_script_is_told(complete: None, settings: Any) -> None:
    settings.LIVEVIEW = {}

    assert 'LIVEVIEW = {"LAYOUT": "uploads/layout.html"}' in found()["uploads.W002"]


def test_a_layout_that_extends_one_with_the_script_is_fine(complete: None, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text('{% extends "uploads/layout.html" %}')
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.LIVEVIEW = {"LAYOUT": "mine.html"}

    assert found() == {}


@pytest.mark.parametrize(("name", "value"), [("MEDIA_ROOT", ""), ("MEDIA_URL", "")])
def test_files_need_a_place_and_an_address(complete: None, settings: Any, name: str, value: str) -> None:
    setattr(settings, name, value)

    assert 'MEDIA_ROOT = BASE_DIR / "media"' in found()["uploads.W003"]


def test_an_address_that_nobody_serves_is_told(complete: None, settings: Any) -> None:
    settings.ROOT_URLCONF = __name__

    assert 'include("uploads.urls")' in found()["uploads.W004"]


def test_another_view_that_serves_them_is_named(complete: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `static(MEDIA_URL)` does, which many projects have: no ranges, and no look at what the file is."""
    settings.DEBUG = True  # or `static` makes no pattern
    others = static("/media/", document_root=settings.MEDIA_ROOT)
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(f"{__name__}.urlpatterns", others)
    clear_url_caches()

    assert 'include("uploads.urls")' in found()["uploads.W005"]

    monkeypatch.setattr(f"{__name__}.urlpatterns", [path("", include("uploads.urls")), *others])
    clear_url_caches()
    assert found() == {}


def test_a_bucket_needs_neither(complete: None, settings: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    settings.MEDIA_ROOT = ""

    assert found() == {}


def told(settings: Any, tmp_path: Path, **given: Any) -> list[tuple[str | None, str]]:
    """The id of what is said of a setting, and all of the text."""
    settings.UPLOADS = {"STAGING_DIR": tmp_path, **given}
    return [(message.id, f"{message.msg} {message.hint}") for message in check_settings(None)]


@pytest.mark.parametrize(
    ("key", "value", "example"),
    [
        ("WINDOW", "8MB", "UPLOADS_WINDOW=33554432"),
        ("WINDOW", 0, "UPLOADS_WINDOW=33554432"),
        ("SENDERS", -1, "UPLOADS_SENDERS=8"),
        ("IDLE", "1h", "UPLOADS_IDLE=3600"),
        ("IDLE", float("nan"), "UPLOADS_IDLE=3600"),
        ("OWNER_BYTES", True, "UPLOADS_OWNER_BYTES=100000000000"),
        ("S3", '{"SECRET_ACCESS_KEY": "hush', 'UPLOADS_S3={"BUCKET": "a-bucket"}'),
        ("S3_EVENTS", "{bad", 'UPLOADS_S3_EVENTS={"TOPICS": ["arn:aws:sns:'),
        ("UPLOAD_STATE_STORE", 5, "UPLOADS_UPLOAD_STATE_STORE=database"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_a_right_one(
    settings: Any, tmp_path: Path, key: str, value: Any, example: str
) -> None:
    ((name, text),) = told(settings, tmp_path, **{key: value})

    assert name == "uploads.E004"
    assert f'UPLOADS["{key}"]' in text and example in text and "hush" not in text


@pytest.mark.parametrize(("key", "value"), [("SENDERS", 0), ("IDLE", 0.5), ("OWNER_BYTES", None), ("S3", {})])
def test_a_value_of_the_right_kind_is_fine(settings: Any, tmp_path: Path, key: str, value: Any) -> None:
    assert told(settings, tmp_path, **{key: value}) == []


def test_settings_of_a_folder_that_was_deleted_are_told(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"S3": {"BUCKET": "b"}}
    assert told(settings, tmp_path, **given) == []

    monkeypatch.setitem(sys.modules, "uploads.s3", None)
    assert told(settings, tmp_path) == []
    ((name, text),) = told(settings, tmp_path, **given)
    assert name == "uploads.E009" and "Copy uploads/s3/" in text


def test_a_place_to_stage_that_there_is_not_is_told(settings: Any, tmp_path: Path) -> None:
    ((name, text),) = told(settings, tmp_path, STAGING="bukket")
    assert (name, "UPLOADS_STAGING=disk" in text) == ("uploads.E011", True)


def test_a_frame_that_the_server_would_drop_is_told(settings: Any, tmp_path: Path) -> None:
    ((name, text),) = told(settings, tmp_path, MAX_FRAME=9_000_000)
    assert (name, "UPLOADS_MAX_FRAME=1047552" in text) == ("uploads.E005", True)

    assert told(settings, tmp_path, MAX_FRAME=1024 * 1024) == []


@pytest.mark.parametrize(
    "origins",
    [
        ["https://app.example.com/"],
        ["app.example.com"],
        ["https://App.example.com"],
        ["https://a.example", 5],
        "*",
        5,
    ],
)
def test_an_origin_that_no_browser_names_is_told(settings: Any, tmp_path: Path, origins: Any) -> None:
    ((name, text),) = told(settings, tmp_path, ALLOWED_ORIGINS=origins)

    assert name == "uploads.E006" and """UPLOADS_ALLOWED_ORIGINS='["https://app.example.com"]'""" in text


@pytest.mark.parametrize(
    "origins", ["https://a.example", "https://a.example, http://127.0.0.1:9000", ["https://a.example"], [], ""]
)
def test_origins_are_a_list_or_a_text(settings: Any, tmp_path: Path, origins: Any) -> None:
    assert told(settings, tmp_path, ALLOWED_ORIGINS=origins) == []


@pytest.mark.parametrize("key", ["INTAKE", "TUS_INTAKE"])
def test_an_intake_that_nobody_has_registered_is_told(settings: Any, tmp_path: Path, key: str) -> None:
    intake = intakes.register("letters", receive=lambda entry, owner: None)
    try:
        ((name, text),) = told(settings, tmp_path, **{key: "nope"})
        assert name == "uploads.E007"
        assert "'nope'" in text and f"UPLOADS_{key}=" in text and intake.name in text

        assert told(settings, tmp_path, **{key: "letters"}) == []
    finally:
        intakes.unregister("letters")


@pytest.mark.parametrize("store", ["reddis", "uploads.stores.RedisState", "uploads.stores.get_store", "redis"])
def test_a_store_that_can_not_be_used_is_told(settings: Any, tmp_path: Path, store: str) -> None:
    settings.REDIS_URL = ""

    ((name, text),) = told(settings, tmp_path, UPLOAD_STATE_STORE=store)

    assert name == "uploads.E008" and "UPLOADS_UPLOAD_STATE_STORE=database" in text


def test_a_store_is_not_made_to_be_looked_at(settings: Any, tmp_path: Path) -> None:
    """Where it is may not be reachable, say while an image is built."""
    for store in ("database", "memory", f"{__name__}.Store"):
        assert told(settings, tmp_path, UPLOAD_STATE_STORE=store) == []
    url = "redis://nowhere.invalid:1"
    assert told(settings, tmp_path, UPLOAD_STATE_STORE="redis", UPLOAD_STATE_REDIS_URL=url) == []


class Store:
    def __init__(self) -> None:
        raise AssertionError("a check made it")
