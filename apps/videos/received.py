"""Files that were received and wait to be processed: in the site's storage, where no address leads.

With a bucket they are there, so that any machine can process them; else beside the staged uploads, on this one's disk.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.utils import timezone

from uploads import UploadEntry
from videos.conf import conf

PREFIX: Final = "received/"  # in a bucket
STALE: Final = timedelta(days=1)  # after which a received file that no row knows is removed
_RECEIVED: Final = re.compile(r"[0-9a-f]{32}")
_MADE: Final = re.compile(r"[0-9a-f]{32}\.\w+")


def keep(entry: UploadEntry) -> str:
    """Stores a ready entry's bytes, which are the entry's as well until it is consumed; what they are called."""
    source = uuid4().hex
    storage, name = _place(source)
    with entry.file as file:
        storage.save(name, file)
    return source


def are_here() -> bool:
    """Whether they wait on this machine's disk."""
    return isinstance(_place("")[0], FileSystemStorage)


def is_there(source: str) -> bool:
    storage, name = _place(source)
    return storage.exists(name)


@contextlib.contextmanager
def fetched(source: str, stem: str) -> Iterator[Path]:
    """A file on this machine's disk with these bytes. Raises `FileNotFoundError`."""
    storage, name = _place(source)
    if isinstance(storage, FileSystemStorage):
        yield Path(storage.path(name))
        return
    path = scratch(stem, "fetched")
    try:
        with storage.open(name) as stored, path.open("wb") as file:
            shutil.copyfileobj(stored, file, 1 << 20)
        yield path
    finally:
        path.unlink(missing_ok=True)


def remove(source: str) -> None:
    storage, name = _place(source)
    storage.delete(name)


def scratch(stem: str, kind: str) -> Path:
    """A file for an attempt alone."""
    folder = conf().folder
    folder.mkdir(0o700, parents=True, exist_ok=True)
    return folder / f"{stem}.{kind}"


def sweep(known: Collection[str]) -> int:
    """Removes received files that no row knows, and are old; how many."""
    storage, folder = _place("")
    removed = 0
    with contextlib.suppress(FileNotFoundError):  # nothing was ever received
        for name in storage.listdir(folder)[1]:
            if name not in known and _RECEIVED.fullmatch(name) and _is_stale(storage, folder + name):
                storage.delete(folder + name)
                removed += 1
    return removed


def _is_stale(storage: Storage, name: str) -> bool:
    try:
        return storage.get_modified_time(name) < timezone.now() - STALE
    except FileNotFoundError:  # somebody was faster
        return False


def made() -> list[Path]:
    """What attempts have on this machine's disk: each file begins with its attempt's stem."""
    folder = conf().folder
    return [path for path in folder.iterdir() if _MADE.fullmatch(path.name)] if folder.is_dir() else []


def _place(source: str) -> tuple[Storage, str]:
    if not isinstance(default_storage, FileSystemStorage):
        return default_storage, PREFIX + source
    own = FileSystemStorage(conf().folder, file_permissions_mode=0o600, directory_permissions_mode=0o700)
    return own, source
