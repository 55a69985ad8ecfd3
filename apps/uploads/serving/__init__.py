"""Files of a storage over HTTP: `uploads.urls` serves what is published, `file_response` is for views of your own."""

from __future__ import annotations

from uploads.serving.files import file_response

__all__ = ["file_response"]
