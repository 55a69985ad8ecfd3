"""The last check of an upload before it is ready: its slot's validators, which are the application's code."""

from __future__ import annotations

import logging

from django.core.exceptions import ValidationError

from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError

logger = logging.getLogger("uploads")


def validate(entry: UploadEntry) -> UploadError | None:
    """Why it must be refused, if so. Its bytes stay while validators run. Blocks.

    `superseded`, whatever the validators say, if somebody else has resumed it: it isn't ours to end.
    """
    if not _is_ours(entry):
        return UploadError("superseded")
    refusal = _refusal(entry)
    return refusal if _is_ours(entry) else UploadError("superseded")


def _is_ours(entry: UploadEntry) -> bool:
    """A direct upload's record is only for cleaning up: nobody else writes there."""
    return entry.slot.external is not None or entry.hold.is_ours()


def _refusal(entry: UploadEntry) -> UploadError | None:
    entry.pin()
    try:
        if not entry.is_over:
            entry.check()
            entry.finish_check()
    except UploadError as refused:
        return refused
    except ValidationError as refused:
        return UploadError("invalid", " ".join(refused.messages))
    except Exception:  # noqa: BLE001  (a validator is the application's code)
        logger.exception("validator failed")
        return UploadError("server_error")
    finally:
        entry.release()
    return None
