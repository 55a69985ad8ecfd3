from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uploads.checks import check_settings
from uploads.conf import Conf, conf


def test_without_a_setting_files_are_staged_beside_media(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS = {}
    settings.MEDIA_ROOT = tmp_path / "media"
    assert conf() == Conf(staging_dir=tmp_path / "media-staging")


def test_without_media_files_are_staged_in_the_systems_temporary_folder(settings: Any) -> None:
    settings.UPLOADS = {}
    settings.MEDIA_ROOT = ""
    assert conf().staging_dir.name == "uploads-staging"


def test_a_setting_takes_the_place_of_its_default(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS = {"STAGING_DIR": str(tmp_path), "WINDOW": 1_000_000}
    assert (conf().staging_dir, conf().window) == (tmp_path, 1_000_000)


def test_a_frame_fits_into_what_daphne_takes() -> None:
    assert Conf(Path()).max_frame < 1024 * 1024


@pytest.mark.parametrize("given", [{"WINDOWS": 3}, {"window ": 3}])
def test_a_misspelt_key_is_an_error(settings: Any, given: dict[str, Any]) -> None:
    settings.UPLOADS = given
    assert [message.id for message in check_settings(None)] == ["uploads.E001"]


def test_staging_inside_media_is_warned_of(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "media" / ".." / "staging"}
    assert [message.id for message in check_settings(None)] == ["uploads.W001"]


def test_staging_beside_media_is_fine(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOADS = {}
    assert check_settings(None) == []
