"""Writers: where bytes go instead of the staging folder, as they arrive."""

from __future__ import annotations

from uploads.core.contracts import WriterFactory
from uploads.writers.buffered import BufferedUploadWriter
from uploads.writers.contract import UploadWriter
from uploads.writers.resumable import ResumableUploadWriter

__all__ = ["BufferedUploadWriter", "ResumableUploadWriter", "UploadWriter", "WriterFactory"]
