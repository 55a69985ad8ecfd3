from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from videos import checks
from videos.checks import check_settings


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


def test_a_public_folder_is_told(settings: Any) -> None:
    settings.VIDEOS = {"FOLDER": Path(settings.MEDIA_ROOT) / "originals"}

    assert ids() == ["videos.W001"]
