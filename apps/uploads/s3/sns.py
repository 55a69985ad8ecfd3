"""The former name of `uploads.s3.notifications.sns`."""

from __future__ import annotations

from uploads.s3.notifications.sns import Forged, Malformed, SnsMessage, read, verify

__all__ = ["Forged", "Malformed", "SnsMessage", "read", "verify"]
