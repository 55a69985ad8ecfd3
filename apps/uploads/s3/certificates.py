"""The former name of `uploads.s3.notifications.certificates`, which settings may contain."""

from __future__ import annotations

from uploads.s3.notifications.certificates import fetch

__all__ = ["fetch"]
