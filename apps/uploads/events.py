"""What becomes of uploads, for logs and metrics: a record of the logger `uploads.events`, and a Django signal.

Neither ever holds a file's name or anything of its content. `visitor` is the same for all uploads of one visitor and
says nothing else about them.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final, Protocol

from django.dispatch import Signal

from uploads.core.machine import Upload
from uploads.core.slots import Slot

__all__ = ["child_died", "upload_event"]

logger = logging.getLogger("uploads.events")

# Sent with `event` and `fields`, whose keys are those of `tell`. Receivers must not block: some are called on the
# event loop.
upload_event: Final = Signal()

# Sent with `job` (what it was to do) when a child process that read a file crashed or had to be killed. From a thread.
child_died: Final = Signal()

# States that are logged, each when an upload reaches it.
_TOLD: Final = frozenset({"ready", "consumed", "rejected", "cancelled", "expired"})


class Told(Protocol):
    """An upload, as far as it is reported."""

    @property
    def upload(self) -> Upload: ...
    @property
    def visitor(self) -> str: ...
    @property
    def slot(self) -> Slot: ...
    @property
    def began(self) -> float: ...
    @property
    def complete(self) -> bool: ...


def tell(event: str, entry: Told, **more: Any) -> None:
    """`registered`, `resumed`, `interrupted`, or a state in which something is decided.

    Its fields: `event`, `upload` (id), `visitor`, `slot`, `bytes` (that are written), `size` (bytes declared),
    `seconds` (since this process first saw the upload), `outcome` (the code of an error, `ok`, or nothing yet).
    """
    upload = entry.upload
    outcome = upload.error.code if upload.error else "ok" if entry.complete else ""
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


def stepped(entry: Told) -> None:
    """An entry has taken a step of its machine."""
    if entry.upload.state in _TOLD:
        tell(str(entry.upload.state), entry)
