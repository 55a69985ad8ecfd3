"""What `manage.py check` says to someone who copied the app, each with the line to paste."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.urls import clear_script_prefix, clear_url_caches, include, path, re_path, set_script_prefix
from django.views.generic import RedirectView

from gallery import checks
from gallery.checks import check_installation
from gallery.conf import Conf

urlpatterns: list[object] = []


def hints() -> dict[str | None, str]:
    return {message.id: str(message.hint) for message in check_installation(None)}


def test_a_project_that_is_complete_hears_nothing() -> None:
    assert hints() == {}


def test_the_uploads_are_needed(settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "uploads"]

    assert '"uploads", "gallery"]' in hints()["gallery.E001"]


def test_pillow_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)

    assert "pip install" in hints()["gallery.E002"]


def test_an_address_is_needed(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__

    assert 'include("gallery.urls")' in hints()["gallery.W001"]


def test_a_page_that_comes_first_is_named(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catch-all such as a CMS has; with ours before it nothing is said, also below a language and a sub-path."""
    ours, every = path("gallery/", include("gallery.urls")), re_path(r"^.*$", RedirectView.as_view(url="/"))
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr("gallery.tests.test_checks.urlpatterns", [every, ours])
    clear_url_caches()

    (found,) = check_installation(None)

    assert found.id == "gallery.W001" and "RedirectView" in found.msg and "^.*$" in found.msg
    for right in ([ours, every], i18n_patterns(ours, every)):
        monkeypatch.setattr("gallery.tests.test_checks.urlpatterns", right)
        for prefix in ("/", "/below/"):
            set_script_prefix(prefix)
            clear_url_caches()
            assert hints() == {}
    clear_script_prefix()


def test_a_key_that_there_is_not_is_told(settings: Any) -> None:
    settings.GALLERY = {"PAGESIZE": 1}

    assert set(hints()) == {"gallery.E003"}


@pytest.mark.parametrize(("key", "value"), [("PAGE_SIZE", "abc"), ("PAGE_SIZE", 0), ("MAX_FILE_SIZE", "10MB")])
def test_a_value_of_the_wrong_kind_is_told_with_a_right_one(settings: Any, key: str, value: Any) -> None:
    settings.GALLERY = {key: value}
    default = getattr(Conf(), key.lower())

    assert f'GALLERY = {{"{key}": {default}}}' in hints()["gallery.E004"]
    assert f"GALLERY_{key}={default}" in hints()["gallery.E004"]
