"""Who owns a staging file: the last to open it, in this process or another. Only the owner writes.

Within this process the previous owner is made to give way at once. Between processes a file lock decides: it belongs to
the open file, so it ends with its holder and moves with the file. A process that has lost its lease releases the lock
at its next renewal; one that has stalled, and so never renews, is left with a file that no longer has a name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
import time
from pathlib import Path
from typing import IO, Protocol
from weakref import WeakValueDictionary

from liveview.process import here
from uploads.errors import UploadError


class Writer(Protocol):
    def give_way(self) -> set[Path]:
        """The upload is resumed elsewhere: stops writing, and closes the file before returning. Blocks.

        Returns the paths of what was made from the file: that is the new owner's as well.
        """


class Owners:
    """The writers of the staging files that this process has open."""

    def __init__(self) -> None:
        self.writers: WeakValueDictionary[Path, Writer] = WeakValueDictionary()
        self.lock = threading.Lock()


# In this process
def enter(path: Path, writer: Writer) -> None:
    """For a file that is new. Raises `UploadError("superseded")` if somebody has resumed it already."""
    owners = here(Owners)
    with owners.lock:
        if owners.writers.setdefault(path, writer) is not writer:
            raise UploadError("superseded")


def take_over(path: Path, writer: Writer) -> set[Path]:
    """Makes `writer` the owner; what was made from the file before. Blocks until the previous owner is done."""
    owners = here(Owners)
    with owners.lock:
        earlier, owners.writers[path] = owners.writers.get(path), writer
    return earlier.give_way() if earlier is not None and earlier is not writer else set()


def leave(path: Path, writer: Writer) -> None:
    owners = here(Owners)
    with owners.lock:
        if owners.writers.get(path) is writer:
            del owners.writers[path]


def is_anothers(path: Path, writer: Writer) -> bool:
    owners = here(Owners)
    with owners.lock:
        return owners.writers.get(path, writer) is not writer


# Among processes
def made(path: Path) -> IO[bytes]:
    """A new file. Raises `FileExistsError`, `OSError`."""
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
    except FileExistsError:  # a file where the folder should be, not an upload that somebody else has made
        raise NotADirectoryError(path.parent) from None
    file = path.open("x+b", buffering=0)
    if _locked(file):
        return file
    file.close()
    raise FileExistsError(path)  # somebody was quicker to resume it


def opened(path: Path, patience: float) -> IO[bytes]:
    """An existing file, to resume it. Raises `FileNotFoundError`, `OSError`, or `UploadError("locked")`.

    patience: seconds without a write after which another process that has it counts as stalled. Then it is copied,
        which takes as long as reading it.
    """
    while True:
        file = path.open("r+b", buffering=0)
        if _locked(file):
            if is_in_place(file, path):
                return file
            closed(file)
            continue
        written = os.fstat(file.fileno()).st_mtime
        file.close()
        if time.time() - written < patience:
            raise UploadError("locked")
        _renew(path)


def is_in_place(file: IO[bytes], path: Path) -> bool:
    """Whether `path` still names the open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def closed(file: IO[bytes]) -> None:
    """Unlocks first: a process that was forked meanwhile has the file open as well."""
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)
    file.close()


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks on this file system: only writers of one process are kept apart
        return True
    return True


def _renew(path: Path) -> None:
    """Puts the same bytes into a new file of the same name. Raises `UploadError("locked")`: the client may retry."""
    copy = path.with_name(f"{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        shutil.copyfile(path, copy)
        os.replace(copy, path)
    except OSError:
        copy.unlink(missing_ok=True)
        raise UploadError("locked") from None
