"""The former name of `uploads.s3.notifications.certificates`, which settings may contain."""

from __future__ import annotations

from uploads.s3.notifications.certificates import Certificates, Unavailable, fetch

__all__ = ["Certificates", "Unavailable", "fetch"]
