"""Where bytes wait until an application takes them: one file per upload, named by its id.

The file's length is the offset. It is written, hashed and removed in threads, never on the event loop.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from django.core.files.uploadedfile import UploadedFile

from uploads.conf import conf
from uploads.errors import UploadError

logger = logging.getLogger("uploads")

BLOCK = 1024 * 1024  # bytes read at a time
TAIL = 64 * 1024  # bytes before the offset by which a resuming client knows that it has the same file


class StagingFile:
    """One upload's bytes. Threads take turns; once discarded, it stays empty whatever still arrives."""

    def __init__(self, upload_id: str) -> None:
        self.path = conf().staging_dir / upload_id
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._siblings: set[Path] = set()
        self._lock = threading.Lock()
        self._is_discarded = False
        self.tail = ("", 0)

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Appends. Raises `UploadError("storage_full")` when the system can't take it."""
        with self._lock:
            if self._is_discarded:
                return
            try:
                self._append(chunks)
            except OSError:
                logger.exception("could not write a staging file")
                raise UploadError("storage_full") from None

    def finish(self) -> str:
        """Closes the file; the SHA-256 of its bytes in hexadecimal."""
        with self._lock:
            self._close()
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Removes the file and whatever was derived from it. What has been moved away stays where it is."""
        with self._lock:
            self._is_discarded = True
            self._close()
            for path in (self.path, *self._siblings):
                path.unlink(missing_ok=True)

    def park(self) -> None:
        """Closes the file and leaves it; what still arrives is not written any more."""
        with self._lock:
            self._is_discarded = True
            self._close()

    def reopen(self, look: Callable[[bytes], None], most: int) -> int:
        """Opens what was staged before, to go on at its end; that offset. `look` sees the bytes from the beginning.

        Raises `UploadError("unknown_ref")` where there is nothing, or more than there should be.
        """
        with self._lock:
            try:
                file = self.path.open("r+b", buffering=0)
            except FileNotFoundError:
                return 0
            offset, last = 0, b""
            while block := file.read(BLOCK):
                look(block)
                self._hash.update(block)
                offset += len(block)
                last = (last + block)[-TAIL:]
            if offset > most:
                file.close()
                raise UploadError("unknown_ref")
            self.tail = hashlib.sha256(last).hexdigest(), len(last)
            self._file = file
            return offset

    def _append(self, chunks: Sequence[bytes | memoryview]) -> None:
        if self._file is None:
            self.path.parent.mkdir(0o700, parents=True, exist_ok=True)
            self._file = self.path.open("xb", buffering=0)
        for chunk in chunks:
            _write_all(self._file, chunk)
            self._hash.update(chunk)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def sibling(self, name: str) -> Path:
        """A path for something made of this upload; it goes when the upload goes."""
        path = self.path.with_name(f"{self.path.name}.{name}")
        with self._lock:
            self._siblings.add(path)
        return path


def _write_all(file: IO[bytes], chunk: bytes | memoryview) -> None:
    """An unbuffered write may take only a part, for one when the disk is nearly full."""
    written = file.write(chunk)
    while written < len(chunk):
        written += file.write(chunk[written:])


class StagedFile(UploadedFile):  # type: ignore[type-arg]  # not generic at run time
    """A staged upload as Django knows uploads.

    `FileSystemStorage` saves it by renaming, any other storage by reading.
    """

    def __init__(self, path: Path, name: str, content_type: str) -> None:
        self._path = path
        self._link = path.with_name(f"{path.name}.link")
        super().__init__(path.open("rb"), name, content_type, path.stat().st_size)

    def temporary_file_path(self) -> str:
        """A second name of the same bytes, for a storage to rename.

        The first name stays: should the handler raise after saving, the entry is as whole as before.
        """
        try:
            os.link(self._path, self._link)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            return os.fspath(self._path)
        return os.fspath(self._link)

    def close(self) -> Any:
        self._link.unlink(missing_ok=True)
        return self.file.close() if self.file else None
