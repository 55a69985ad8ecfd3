"""Where bytes wait on this machine's disk until the application takes them."""

from __future__ import annotations

from uploads.staging.files import StagedFile

__all__ = ["StagedFile"]
