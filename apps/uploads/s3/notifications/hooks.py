"""Hooks that are called for completed uploads. They are declarations: a process keeps them for as long as it lives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

logger = logging.getLogger("uploads.s3_events")


@dataclass(frozen=True, slots=True)
class CompletedUpload:
    """An object that exists: `size` (bytes) and `etag` are S3's answer to a HEAD request."""

    upload_id: str
    bucket: str
    key: str
    size: int
    etag: str


Hook = Callable[[CompletedUpload], None]

MOST_HOOKS: Final = 10_000  # for single uploads; beyond that the oldest are dropped

_for_all: list[Hook] = []
_for_one: dict[str, Hook] = {}
_lock = threading.Lock()


def on_upload_complete(hook: Hook, upload_id: str | None = None) -> Hook:
    """Calls `hook` with a `CompletedUpload` when S3 reports a new object and a HEAD request has confirmed it.

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
    """Unregisters a hook."""
    if upload_id is not None:
        _take(upload_id)
    elif hook in _for_all:
        _for_all.remove(hook)


def is_awaited(upload_id: str) -> bool:
    """Whether any hook would be called for this upload."""
    return bool(_for_all) or upload_id in _for_one


def call_hooks(upload: CompletedUpload) -> int:
    """Calls every hook for this upload; how many there were."""
    hooks = [*_for_all]
    if (own := _take(upload.upload_id)) is not None:
        hooks.append(own)
    for hook in hooks:
        try:
            hook(upload)
        except Exception:  # noqa: BLE001  (the application's code)
            logger.exception("upload completion hook failed")
    return len(hooks)


def _take(upload_id: str) -> Hook | None:
    with _lock:
        return _for_one.pop(upload_id, None)
