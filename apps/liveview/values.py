"""The earlier name of `liveview.setting_types`."""

from __future__ import annotations

from liveview.setting_types import PositiveFloat, PositiveInt, mistyped

__all__ = ["PositiveFloat", "PositiveInt", "mistyped"]
