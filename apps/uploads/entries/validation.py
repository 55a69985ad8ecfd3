"""The last look at an upload before it is ready: its slot's validators, which are the application's code."""

from __future__ import annotations

import logging

from django.core.exceptions import ValidationError

from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError

logger = logging.getLogger("uploads")


def validate(entry: UploadEntry) -> UploadError | None:
    """Why it must be refused, if it must. Its bytes stay while they are looked at. Blocks.

    `superseded`, whatever the validators say, for what somebody else goes on with: it isn't ours to end.
    """
    if not _is_ours(entry):
        return UploadError("superseded")
    refusal = _refusal(entry)
    return refusal if _is_ours(entry) else UploadError("superseded")


def _is_ours(entry: UploadEntry) -> bool:
    """The record of what goes straight to another storage is for those who clean up: nobody else writes there."""
    return entry.slot.external is not None or entry.hold.is_ours()


def _refusal(entry: UploadEntry) -> UploadError | None:
    entry.pin()
    try:
        if not entry.is_over:
            entry.check()
    except UploadError as refused:
        return refused
    except ValidationError as refused:
        return UploadError("invalid", " ".join(refused.messages))
    except Exception:  # noqa: BLE001  (a validator is the application's code)
        logger.exception("a validator failed")
        return UploadError("server_error")
    finally:
        entry.release()
    return None
