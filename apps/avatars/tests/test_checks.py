"""What `manage.py check` says to someone who copied the app, each with the line to paste."""

from __future__ import annotations

from typing import Any

import pytest

from avatars import checks
from avatars.checks import check_installation

urlpatterns: list[object] = []


def hints() -> dict[str | None, str]:
    return {message.id: str(message.hint) for message in check_installation(None)}


def test_a_project_that_is_complete_hears_nothing() -> None:
    assert hints() == {}


def test_the_uploads_are_needed(settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "uploads"]

    assert '"uploads", "avatars"]' in hints()["avatars.E001"]


def test_pillow_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)

    assert "pip install" in hints()["avatars.E002"]


def test_an_address_is_needed(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__

    assert 'include("avatars.urls")' in hints()["avatars.W001"]
