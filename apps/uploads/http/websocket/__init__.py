"""The bare WebSocket consumer of the seeds."""

from __future__ import annotations

from uploads.http.websocket.consumer import MAX_SIZE, FileUploadConsumer

__all__ = ["FileUploadConsumer", "MAX_SIZE"]
