"""Videos that are known: see `uploads.tests.media`."""

from __future__ import annotations

from uploads.tests.media import video

__all__ = ["video"]
