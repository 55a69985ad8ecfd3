"""Staging files that nobody needs any more: their record has expired, or their process has died.

A file is needed while a record knows its upload, while a process has it open (a lock tells), and while a process keeps
it for somebody who hasn't saved their form yet. That process touches it now and then. When no process at all has lived
here, whatever no record knows was left behind, however young it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from liveview.process import here
from uploads.conf import conf
from uploads.staging.files import Alive

logger = logging.getLogger("uploads")

UNTOUCHED: Final = 40.0  # seconds after which nobody keeps it; a janitor comes much more often
JUMP: Final = 10.0  # seconds by which no clock is set while it runs
KEPT: Final = "kept"  # what is added to an upload's name if its record is in a store of its slot's own

_OURS: Final = re.compile(r"([0-9a-f]{32})(\.[\w.-]+)?")  # an upload's id, or something made of it


class Residence:
    """That this process lives here, as a lock that ends with it."""

    def __init__(self) -> None:
        self._lock: int | None = None  # its file descriptor
        self._began = time.time()
        self._is_alone = False
        self._ahead: float | None = None  # by how much the clock was ahead of the monotonic one, when last asked

    def has_slept(self) -> bool:
        """Whether the clock has jumped since this was last asked, as after a machine's sleep.

        Files look older then than anybody has had time to touch them.
        """
        now = time.time() - time.monotonic()
        before, self._ahead = self._ahead, now
        return before is not None and now - before > JUMP

    def enter(self) -> float:
        """Before that time nobody lived here who still does; 0 if somebody may have."""
        if self._lock is None:
            self._is_alone = self._enter()
        return self._began if self._is_alone else 0.0

    def _enter(self) -> bool:
        folder = conf().staging_dir
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        except OSError:
            if self._lock is not None:
                with contextlib.suppress(OSError):
                    fcntl.flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        return True

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def keep_alive() -> None:
    """Shows other processes which files this one needs. Blocks."""
    here(Alive).names()


def keep(mark: Path) -> None:
    """Leaves a mark beside a file whose record is in a store of its slot's own."""
    with contextlib.suppress(OSError):
        mark.parent.mkdir(0o700, parents=True, exist_ok=True)
        mark.touch()


def sweep(is_recorded: Callable[[str], bool]) -> int:
    """Removes what nobody needs, and no other file; how many. Blocks.

    is_recorded: whether a record knows the upload of that id. If it raises, nothing more is removed.
    """
    folder, removed = conf().staging_dir, 0
    old = here(Residence).enter()
    alive = here(Alive).names()
    if here(Residence).has_slept():
        return 0  # the next round is soon
    known: dict[str, bool] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _OURS.fullmatch(path.name)
        if match is None or match[1] in alive:
            continue
        try:
            written = path.lstat().st_mtime
            if written > max(old, time.time() - UNTOUCHED):
                continue
            if match[1] not in known:
                known[match[1]] = is_recorded(match[1])
            if not known[match[1]] and not _is_kept(folder / match[1], written):
                removed += _removed(path, written)
        except FileNotFoundError:
            continue
        except OSError:
            logger.warning("could not remove a stale staging file", exc_info=True)
    return removed


def _is_kept(upload: Path, written: float) -> bool:
    """Whether a store that we don't know of may know it."""
    return upload.exists() and upload.with_name(f"{upload.name}.{KEPT}").exists() and not _is_stale(written)


def _is_stale(written: float) -> bool:
    return written < time.time() - max(conf().stale_after, conf().upload_state_ttl)


def _removed(path: Path, written: float) -> bool:
    """Whether nobody has it open; it is gone then."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks on this file system
            if not _is_stale(written):
                return False
        if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return False
        path.unlink()
    return True
