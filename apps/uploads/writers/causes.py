"""What `UploadWriter.abort` is told, word for word. (Seed: seeds/001, "Error handling".)"""

from __future__ import annotations


def oversize(limit: int) -> ValueError:
    """More bytes than the slot, or the declared size, allows."""
    return ValueError(f"File size exceeds limit ({limit} bytes)")


def cancelled() -> ConnectionAbortedError:
    return ConnectionAbortedError("upload cancelled")


def session_closed() -> ConnectionAbortedError:
    return ConnectionAbortedError("session closed")
