"""What applications use of `uploads.s3.notifications`: be told of each upload that is complete."""

from __future__ import annotations

from uploads.s3.notifications.hooks import on_upload_complete

__all__ = ["on_upload_complete"]
