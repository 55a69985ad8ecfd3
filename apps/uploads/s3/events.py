"""The former name of `uploads.s3.notifications.parsing`."""

from __future__ import annotations

from uploads.s3.notifications.parsing import parse_s3_event

__all__ = ["parse_s3_event"]
