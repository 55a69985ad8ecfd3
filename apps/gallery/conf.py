"""The `GALLERY` setting: a dict whose absent keys have the defaults below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from liveview.setting_types import PositiveInt


@dataclass(frozen=True, slots=True)
class Conf:
    """Sizes are bytes, times seconds."""

    shared: bool = True  # one album for everybody; otherwise each visitor has an own one
    max_entries: PositiveInt = 500  # photos that one page may have on their way
    max_file_size: PositiveInt = 10_000_000
    page_size: PositiveInt = 60
    undo: int = 60  # how long a deleted photo can be brought back
    kept_for: int = 0  # after that a photo goes by itself, as on a public demo; 0: never


def conf() -> Conf:
    given: dict[str, Any] = getattr(settings, "GALLERY", {})
    return Conf(**{key.lower(): value for key, value in given.items()})
