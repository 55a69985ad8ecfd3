"""The last step before an upload is ready: its slot's validators look at it."""

from __future__ import annotations

import logging

from django.core.exceptions import ValidationError

from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError

logger = logging.getLogger("uploads")


def judge(entry: UploadEntry) -> UploadError | None:
    """Runs an entry's checks; why it must be refused, if it must. Its bytes stay while they are looked at."""
    entry.hold()
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


def judge_ours(entry: UploadEntry) -> UploadError | None:
    """The same; `superseded`, whatever the checks say, for what another socket goes on with: it isn't ours to end."""
    if not _is_ours(entry):
        return UploadError("superseded")
    failure = judge(entry)
    return failure if _is_ours(entry) else UploadError("superseded")


def _is_ours(entry: UploadEntry) -> bool:
    keeper = entry.keeper if entry.slot.external is None else None
    return keeper is None or keeper.is_ours()
