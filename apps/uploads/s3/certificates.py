"""The earlier name of `uploads.s3.notifications.certificates`, which settings may hold."""

from __future__ import annotations

from uploads.s3.notifications.certificates import fetch

__all__ = ["fetch"]
