"""The `AVATARS` setting: a dict whose absent keys have the defaults below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Conf:
    """Times are seconds."""

    undo: int = 60  # how long a removed avatar can be brought back
    kept_for: int = 0  # after that an avatar goes by itself, as on a public demo; 0: never


def conf() -> Conf:
    given: dict[str, Any] = getattr(settings, "AVATARS", {})
    return Conf(**{key.lower(): value for key, value in given.items()})
