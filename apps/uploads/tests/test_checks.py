"""What `manage.py check` says to someone who copied the package, each with the line to paste."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import clear_url_caches

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


def test_a_bucket_needs_neither(complete: None, settings: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    settings.MEDIA_ROOT = ""

    assert found() == {}


@pytest.mark.parametrize("events", [{"TOPIC": "arn"}, {"TOPICS": ["not an ARN"]}])
def test_a_webhook_that_can_not_work_is_told(settings: Any, tmp_path: Path, events: dict[str, Any]) -> None:
    settings.UPLOADS = {"STAGING_DIR": tmp_path, "S3_EVENTS": events}

    assert [message.id for message in check_settings(None)] == ["uploads.E003"]
