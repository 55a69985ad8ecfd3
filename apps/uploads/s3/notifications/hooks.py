"""Who wants to know of completed uploads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

logger = logging.getLogger("uploads.s3_events")


@dataclass(frozen=True, slots=True)
class CompletedUpload:
    """An object that is there: `size` (bytes) and `etag` are what S3 answered to a HEAD."""

    upload_id: str
    bucket: str
    key: str
    size: int
    etag: str


Hook = Callable[[CompletedUpload], None]

MOST_HOOKS: Final = 10_000  # for single uploads; then the oldest go

_for_all: list[Hook] = []
_for_one: dict[str, Hook] = {}
_lock = threading.Lock()


def on_upload_complete(hook: Hook, upload_id: str | None = None) -> Hook:
    """Calls `hook` with a `CompletedUpload` when S3 says that an object is there, and a HEAD has confirmed it.

    With an `upload_id` once, for that upload, in the process that registered it; without, for every upload: register
    those in `AppConfig.ready`, so that every process has them. May be used as a decorator. Hooks run in a thread; what
    they raise is logged.
    """
    if upload_id is None:
        _for_all.append(hook)
        return hook
    with _lock:
        while len(_for_one) >= MOST_HOOKS:
            del _for_one[next(iter(_for_one))]
        _for_one[upload_id] = hook
    return hook


def remove_upload_hook(hook: Hook | None = None, upload_id: str | None = None) -> None:
    """Takes back what `on_upload_complete` was told."""
    if upload_id is not None:
        _take(upload_id)
    elif hook in _for_all:
        _for_all.remove(hook)


def is_awaited(upload_id: str) -> bool:
    """Whether any hook would be called for this upload."""
    return bool(_for_all) or upload_id in _for_one


def call_hooks(upload: CompletedUpload) -> int:
    """Calls everybody who wants to know; how many."""
    hooks = [*_for_all]
    if (own := _take(upload.upload_id)) is not None:
        hooks.append(own)
    for hook in hooks:
        try:
            hook(upload)
        except Exception:  # noqa: BLE001  (the application's code)
            logger.exception("a hook for completed uploads failed")
    return len(hooks)


def _take(upload_id: str) -> Hook | None:
    with _lock:
        return _for_one.pop(upload_id, None)
