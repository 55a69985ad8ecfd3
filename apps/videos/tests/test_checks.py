from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uploads import intakes
from videos import checks, intake
from videos.checks import check_installation, check_settings

urlpatterns: list[object] = []


def ids() -> list[str | None]:
    return [message.id for message in check_settings(None)]


def test_the_tests_own_settings_are_fine() -> None:
    assert ids() == []


def test_a_project_without_pyav_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)

    assert ids() == ["videos.E002"]


def test_a_key_that_there_is_not_is_told(settings: Any) -> None:
    settings.VIDEOS = {"MAX_SIZE": 1}

    assert ids() == ["videos.E001"]


def test_a_size_with_a_unit_is_told_and_nobody_stumbles_over_it(settings: Any) -> None:
    settings.VIDEOS = {"MAX_FILE_SIZE": "500MB"}
    before = intakes.get("videos")

    intake.register()  # as when Django starts, before any check
    (found,) = check_settings(None)

    assert intakes.get("videos") is before
    assert found.id == "videos.E004" and "'500MB'" in found.msg
    assert 'VIDEOS = {"MAX_FILE_SIZE": 500000000}' in str(found.hint)


def test_a_public_folder_is_told(settings: Any) -> None:
    settings.VIDEOS = {"FOLDER": Path(settings.MEDIA_ROOT) / "originals"}

    assert ids() == ["videos.W001"]


def test_workers_that_do_not_see_the_disk_are_told(settings: Any) -> None:
    settings.LIVEVIEW = {"JOBS": "procrastinate"}
    assert ids() == ["videos.W003"]

    settings.VIDEOS = {"SHARED_FOLDER": True}
    assert ids() == []

    settings.VIDEOS = {}
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    assert ids() == []


def hints() -> dict[str | None, str]:
    return {message.id: str(message.hint) for message in check_installation(None)}


def test_a_project_that_is_complete_hears_nothing() -> None:
    assert hints() == {}


def test_the_uploads_are_needed(settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "uploads"]

    assert '"uploads", "videos"]' in hints()["videos.E003"]


def test_an_address_is_needed(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__

    assert 'include("videos.urls")' in hints()["videos.W002"]
