"""What a hostile client sends, and what it is told."""

from __future__ import annotations

import struct

from uploads.core import frames
from uploads.testing import UploadPage


def violation(page: UploadPage) -> None:
    assert page.wait_for("error")["code"] == "bad_message"


def raw(channel: int, offset: int, payload: bytes = b"", kind: int = frames.CHUNK) -> bytes:
    return struct.pack(">BIQ", kind, channel, offset) + payload
