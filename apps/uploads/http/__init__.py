"""The ways in by HTTP, and by a bare WebSocket: other doors to the same machine, staging and rules.

Put `uploads.http.routing.application` around a project's HTTP application; see docs/http.md.
"""

from __future__ import annotations

from uploads.http.multipart.handler import UploadProgressCachedHandler

__all__ = ["UploadProgressCachedHandler"]
