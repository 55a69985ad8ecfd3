"""Who owns a staging file: whoever has opened it last, in this process or in another. Only the owner writes.

In this process the owner before is made to give way at once. Among processes a lock of the system decides: it belongs
to the open file, so that it ends with whoever holds it, and moves with the file. A process that has lost its lease lets
go of it at its next renewal; one that has stalled, and so never does, is left with a file that has no name any more.
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
        """Somebody else goes on with the file: writes no more, and has it closed on return. Blocks.

        What was made of the file is the other's as well: its paths.
        """


class Owners:
    """Of the staging files that this process has open."""

    def __init__(self) -> None:
        self.writers: WeakValueDictionary[Path, Writer] = WeakValueDictionary()
        self.lock = threading.Lock()


# In this process
def enter(path: Path, writer: Writer) -> None:
    """For a file that is new. Raises `UploadError("superseded")` if somebody has gone on with it already."""
    owners = here(Owners)
    with owners.lock:
        if owners.writers.setdefault(path, writer) is not writer:
            raise UploadError("superseded")


def take_over(path: Path, writer: Writer) -> set[Path]:
    """From now on it is this one who writes; what was made of the file before. Blocks until the one before is done."""
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
    except FileExistsError:  # a file, where the folder should be: not an upload that somebody else has made
        raise NotADirectoryError(path.parent) from None
    file = path.open("x+b", buffering=0)
    if _locked(file):
        return file
    file.close()
    raise FileExistsError(path)  # whoever goes on with it was quick


def opened(path: Path, patience: float) -> IO[bytes]:
    """A file that is there, to go on with it. Raises `FileNotFoundError`, `OSError`, or `UploadError("locked")`.

    patience: seconds without a write after which another process that has it counts as standing still. Then it is
        copied, which takes as long as reading it.
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
    """Whether the open file is the one that has this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def closed(file: IO[bytes]) -> None:
    """Unlocked first: a process that was forked meanwhile has it open as well."""
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)
    file.close()


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: there only those of one process are kept apart
        return True
    return True


def _renew(path: Path) -> None:
    """The same bytes in a new file of the same name. Raises `UploadError("locked")`: it may be tried again."""
    copy = path.with_name(f"{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        shutil.copyfile(path, copy)
        os.replace(copy, path)
    except OSError:
        copy.unlink(missing_ok=True)
        raise UploadError("locked") from None
