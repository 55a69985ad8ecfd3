"""What applications import of `uploads.s3.notifications`: hooks for completed uploads."""

from __future__ import annotations

from uploads.s3.notifications.hooks import CompletedUpload, on_upload_complete, remove_upload_hook

__all__ = ["CompletedUpload", "on_upload_complete", "remove_upload_hook"]
