"""Live file uploads for `liveview` pages: slots, entries, and the machine that every byte goes through.

See docs/uploads.md for the guide and docs/protocol.md for the wire.
"""

from __future__ import annotations

from uploads.entries import UploadEntry
from uploads.errors import UploadError
from uploads.mixin import UploadMixin
from uploads.writers import BufferedUploadWriter, ResumableUploadWriter, UploadWriter

__all__ = [
    "BufferedUploadWriter",
    "ResumableUploadWriter",
    "UploadEntry",
    "UploadError",
    "UploadMixin",
    "UploadWriter",
]
