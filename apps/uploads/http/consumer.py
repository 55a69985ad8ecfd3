"""The earlier name of `uploads.http.websocket`."""

from __future__ import annotations

from uploads.http.websocket import MAX_SIZE, FileUploadConsumer

__all__ = ["FileUploadConsumer", "MAX_SIZE"]
