"""The upload messages, in both directions; `static/uploads/messages.js` is their twin. See docs/protocol.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from liveview.core.messages import Fields, Message, integer, optional, raw_text, text
from uploads.core.contracts import Entry
from uploads.errors import PASSING, UploadError

REF: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what a page calls an upload


def ref(value: Any) -> bool:
    return isinstance(value, str) and REF.fullmatch(value) is not None


def numbers(value: Any) -> bool:
    """At most a hundred part numbers."""
    return isinstance(value, list) and len(value) <= 100 and all(map(integer(1, 10_000), value))


# From the browser
CLIENT: Final[Mapping[str, Fields]] = {
    "upload_register": {
        "slot": text(100, 1),
        "ref": ref,
        "name": raw_text(8192),
        "size": integer(0),
        "mime": text(255),
        "path": optional(raw_text(8192)),
        "holder": optional(text(64, 1)),
    },
    "upload_resume": {
        "slot": text(100, 1),
        "ref": ref,
        "upload_id": text(64, 1),
        "offset": integer(0),
        "size": integer(0),
        "holder": text(64, 1),
    },
    "upload_cancel": {"ref": ref},
    "upload_retry": {"ref": ref},
    # For direct uploads
    "upload_sign": {"ref": ref, "parts": numbers},
    "upload_external_done": {"ref": ref},
    "upload_external_failed": {"ref": ref, "code": lambda value: value in ("storage_unavailable", "file_changed")},
}


# To the browser
def config(slots: dict[str, Any], credit: int, max_frame: int) -> Message:
    """What the page accepts. `credit` is the total that may have been sent by now, in bytes of whole binary frames."""
    return {"type": "upload_config", "slots": slots, "credit": credit, "max_frame": max_frame}


def registered(entry: Entry, channel: int, external: dict[str, Any] | None = None) -> Message:
    """Chunks of this entry carry `channel` and start at `offset`; with `external` they go where that says instead."""
    message = {
        "type": "upload_registered",
        "ref": entry.ref,
        "upload_id": entry.upload.id,
        "channel": channel,
        "offset": entry.upload.durable,
    }
    return message if external is None else {**message, "external": external}


def resumed(entry: Entry, channel: int, digest: str, length: int, external: dict[str, Any] | None = None) -> Message:
    """Continue at `offset` on `channel` if the client's `length` bytes before it have this SHA-256."""
    message = {
        "type": "upload_resume_ack",
        "ref": entry.ref,
        "accepted": True,
        "upload_id": entry.upload.id,
        "channel": channel,
        "offset": entry.upload.durable,
        "digest": digest,
        "length": length,
    }
    return message if external is None else {**message, "external": external}


def signed(ref: str, external: dict[str, Any]) -> Message:
    """Fresh permissions for a direct upload; for one in parts, `urls` of the requested parts."""
    return {"type": "upload_signed", "ref": ref, "external": external}


def not_resumed(ref: str, refusal: UploadError) -> Message:
    """With `locked`, `busy`, `rate_limited` or a `storage_` code try again later; with anything else start over."""
    return {
        "type": "upload_resume_ack",
        "ref": ref,
        "accepted": False,
        "offset": 0,
        "code": refusal.code,
        "message": refusal.message,
    }


def progress(offsets: list[tuple[int, int]], credit: int, settled: int, min_frame: int = 0) -> Message:
    """Cumulative: the first `offset` bytes of each channel are written.

    `settled` bytes of whole frames have been handled; `credit` may have been sent by now. `min_frame`, the bytes that a
    frame should have at least, is there while the server is busy.
    """
    message = {"type": "upload_progress", "offsets": offsets, "credit": credit, "settled": settled}
    return {**message, "min_frame": min_frame} if min_frame else message


def ready(entry: Entry) -> Message:
    """The file is complete and has passed every check."""
    return {"type": "upload_ready", "ref": entry.ref}


def cancelled(ref: str) -> Message:
    return {"type": "upload_cancelled", "ref": ref}


def consumed(ref: str) -> Message:
    """The application has consumed the file: its row is done."""
    return {"type": "upload_consumed", "ref": ref}


def delayed(ref: str, failure: UploadError) -> Message:
    """Something that passes keeps the server from going on. It has what it has, and tries again by itself."""
    return {"type": "upload_delayed", "ref": ref, "code": failure.code, "message": failure.message}


def stuck(ref: str, failure: UploadError) -> Message:
    """It has tried for long. It still has what it has, and tries again after `upload_retry`."""
    return {**error(ref, failure), "kept": True}


def error(ref: str, failure: UploadError, offset: int | None = None) -> Message:
    """The upload has failed or, with `bad_offset`, continues at `offset`.

    lasts: there is no use in trying again, although the code says so.
    """
    message: Message = {"type": "upload_error", "ref": ref, "code": failure.code, "message": failure.message}
    if failure.code in PASSING and not failure.passes:
        message["lasts"] = True
    return message if offset is None else {**message, "offset": offset}
