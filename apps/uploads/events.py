"""What becomes of uploads, for logs and metrics: a record of the logger `uploads.events`, and a Django signal.

Neither ever holds a file's name or anything of its content. `visitor` is the same for all uploads of one visitor and
says nothing else about him.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import SynchronousOnlyOperation
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from uploads.core.machine import State
from uploads.owners import SESSION_KEY

if TYPE_CHECKING:
    from uploads.entries.entry import UploadEntry

logger = logging.getLogger("uploads.events")

# Sent with `event` and `fields`, whose keys are those of `tell`. Receivers must not block: some are called on the
# event loop.
upload_event: Final = Signal()

# Sent with `job` (what it was to do) when a child process that read a file crashed or had to be killed. From a thread.
child_died: Final = Signal()

# States that are worth a line, each when an upload reaches it.
_TOLD: Final = frozenset({State.READY, State.CONSUMED, State.REJECTED, State.CANCELLED, State.EXPIRED})


def tell(event: str, entry: UploadEntry, **more: Any) -> None:
    """`registered`, `resumed`, `interrupted`, or a state in which something is decided.

    Its fields: `event`, `upload` (id), `visitor`, `slot`, `bytes` (that are written), `size` (bytes declared),
    `seconds` (since this process has known the upload), `outcome` (the code of an error, `ok`, or nothing yet).
    """
    upload = entry.upload
    outcome = upload.error.code if upload.error else "ok" if upload.state in (State.READY, State.CONSUMED) else ""
    fields: dict[str, Any] = {
        "event": event,
        "upload": upload.id,
        "visitor": entry.visitor,
        "slot": entry.slot.name,
        "bytes": upload.written,
        "size": upload.size,
        "seconds": round(time.monotonic() - entry.began, 3),
        "outcome": outcome,
        **more,
    }
    logger.info("upload %s", event, extra={"fields": fields})
    upload_event.send_robust(sender=type(entry), event=event, fields=fields)


def stepped(entry: UploadEntry) -> None:
    """An entry has taken a step of its machine."""
    if entry.state in _TOLD:
        tell(str(entry.state), entry)


def visitor_of(request: HttpRequest) -> str:
    """Twelve characters that stand for the visitor; empty where he has no session, or it can't be read here.

    Reads the session and the user: not on the event loop.
    """
    try:
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            who = f"user:{user.pk}"
        else:
            session = getattr(request, "session", {})
            who = str(session.get(SESSION_KEY) or getattr(session, "session_key", "") or "")
    except SynchronousOnlyOperation:
        return ""
    return salted_hmac("uploads.events", who).hexdigest()[:12] if who else ""
