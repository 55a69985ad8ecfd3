"""The former name of `uploads.s3.notifications.parsing`."""

from __future__ import annotations

from uploads.s3.notifications.parsing import S3Event, parse_s3_event, upload_id_of

__all__ = ["S3Event", "parse_s3_event", "upload_id_of"]
