"""What applications use of `uploads.core.slots`."""

from __future__ import annotations

from uploads.core.slots import Accept, Slot, duration, megabytes

__all__ = ["Accept", "Slot", "duration", "megabytes"]
