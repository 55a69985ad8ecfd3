"""What applications import of `uploads.s3.notifications`: hooks for completed uploads."""

from __future__ import annotations

from uploads.s3.notifications.hooks import on_upload_complete

__all__ = ["on_upload_complete"]
