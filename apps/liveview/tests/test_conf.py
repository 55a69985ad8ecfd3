"""The settings, which each page asks for a dozen times."""

from __future__ import annotations

from typing import Any

from liveview.conf import conf


def test_it_is_made_once_for_the_same_values(settings: Any) -> None:
    settings.LIVEVIEW = {"THREADS": 3}
    assert conf() is conf()


def test_a_dict_that_has_changed_is_read_again(settings: Any) -> None:
    settings.LIVEVIEW = {"THREADS": 3}
    assert conf().threads == 3

    settings.LIVEVIEW["THREADS"] = 4
    assert conf().threads == 4
    del settings.LIVEVIEW["THREADS"]
    assert conf().threads == 32


def test_so_is_one_that_is_only_equal(settings: Any) -> None:
    settings.LIVEVIEW = {"THREADS": 1}
    conf()
    settings.LIVEVIEW = {"THREADS": True}
    assert conf().threads is True


def test_djangos_own_limit_counts_as_soon_as_it_is_set(settings: Any) -> None:
    settings.LIVEVIEW = {}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20_000_000
    assert conf().max_body == 20_000_000
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 30_000_000
    assert conf().max_body == 30_000_000
