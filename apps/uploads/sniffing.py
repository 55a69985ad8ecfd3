"""What applications use of `uploads.core.sniffing`."""

from __future__ import annotations

from uploads.core.sniffing import FILE_TYPES, MP4, FileType

__all__ = ["FILE_TYPES", "FileType", "MP4"]
