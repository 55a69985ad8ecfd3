"""A file that comes in numbered chunks, in any order and several at a time: each at its place, and a map beside it.

The map says which chunks are here: a byte for each, after the chunks' common size and a seal. It is a file, so that
processes share it and a crash loses only chunks in transit. Placing a chunk takes a shared lock on it, sealing an
exclusive one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from uploads.conf import conf
from uploads.errors import UploadError
from uploads.http_errors import refusal
from uploads.staging.ownership import is_in_place

_HEADER: Final = struct.Struct(">Q?")  # bytes of a chunk; whether it is sealed
BLOCK: Final = 1024 * 1024
FRESH: Final = 30.0  # seconds in which the file's maker lets others know of it


class PartFile:
    """All methods block. See `uploads.staging.choice.Chunks`; what that hasn't makes such a file."""

    is_on_disk = True

    def __init__(self, upload_id: str) -> None:
        self.path = conf().staging_dir / upload_id
        self.map = self.path.with_name(f"{upload_id}.map")

    def create(self, size: int, chunk_size: int, count: int) -> bool:
        """Makes room for the whole file; False if somebody else has done so. `size` and `chunk_size` are bytes."""
        self.path.parent.mkdir(0o700, parents=True, exist_ok=True)
        if self.map.exists():  # whose file may just be going: a new one in its place would have the map lie
            return False
        made = self.path.with_name(f"{self.path.name}.{os.urandom(8).hex()}.tmp")
        try:
            made.write_bytes(_HEADER.pack(chunk_size, False) + bytes(count))
            with self.path.open("ab") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    file.truncate(size)
            os.link(made, self.map)  # appears complete, or not at all
        except FileExistsError:
            return False
        except OSError:
            raise UploadError("storage_full") from None
        finally:
            made.unlink(missing_ok=True)
        return True

    def remove(self) -> None:
        for path in (self.path, self.map):
            path.unlink(missing_ok=True)

    def is_free(self, is_known: Callable[[], bool]) -> bool:
        """Whether it may be made. Removes what a crash or an expiry has left: a map that is old and unknown."""
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB) as file:
                found = os.fstat(file.fileno())
                if abs(time.time() - found.st_mtime) < FRESH or is_known():
                    return False
                if os.path.samestat(found, self.map.stat()):  # nobody has made another one since
                    self.remove()
        except BlockingIOError:
            return False
        except (FileNotFoundError, UploadError):
            pass
        return True

    def has(self, index: int) -> bool:
        """Whether a chunk is here already."""
        with contextlib.suppress(UploadError), self._locked(fcntl.LOCK_SH) as file:
            return os.pread(file.fileno(), 1, _HEADER.size + index) == b"\1"
        return False

    def place(self, index: int, chunk_size: int, chunk: IO[bytes]) -> int:
        """Places a chunk unless it is here already; how many are here now.

        Raises `UploadError`: `bad_body` if the others have another size, `unknown_ref` if there is no such file.
        """
        with self._locked(fcntl.LOCK_SH) as file:
            return self._place(file, index, chunk_size, chunk)

    def place_last(self, index: int, length: int, most: int, chunk: IO[bytes]) -> int:
        """The same for the last chunk of a file whose size nobody has told: with its `length` bytes the file ends.

        Raises `UploadError("too_large")` as well, if that would be more than `most` bytes.
        """
        with self._locked(fcntl.LOCK_SH) as file:
            known, is_sealed = _HEADER.unpack(file.read(_HEADER.size))
            end = index * known + length
            if length >= 2 * known:
                raise refusal("bad_body")
            if end > most:
                raise UploadError("too_large")
            if not is_sealed:
                os.truncate(self.path, end)  # before anybody can count this chunk
            file.seek(0)
            return self._place(file, index, known, chunk)

    def _place(self, file: IO[bytes], index: int, chunk_size: int, chunk: IO[bytes]) -> int:
        known, is_sealed = _HEADER.unpack(file.read(_HEADER.size))
        if known != chunk_size:
            raise refusal("bad_body")
        there = os.pread(file.fileno(), 1, _HEADER.size + index)
        if not is_sealed and there == b"\0":
            self._write(index * chunk_size, chunk)
            os.pwrite(file.fileno(), b"\1", _HEADER.size + index)
        return _count(file)

    def pieces(self, offset: int) -> Iterator[bytes]:
        return iter(())

    def seal(self) -> int:
        """Who counted them before may have counted those of a file that is gone, with another in its place."""
        with self._locked(fcntl.LOCK_EX) as file:
            if _count(file) < os.fstat(file.fileno()).st_size - _HEADER.size:
                raise UploadError("unknown_ref")
            os.pwrite(file.fileno(), b"\1", _HEADER.size - 1)
            return self.path.stat().st_size

    def _write(self, offset: int, chunk: IO[bytes]) -> None:
        try:
            with self.path.open("r+b", buffering=0) as target:
                target.seek(offset)
                shutil.copyfileobj(chunk, target, BLOCK)
        except FileNotFoundError:
            raise UploadError("unknown_ref") from None
        except OSError:
            raise UploadError("storage_full") from None

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[IO[bytes]]:
        with _opened(self.map) as file:
            fcntl.flock(file, how)
            if not is_in_place(file, self.map):  # it was removed while we waited
                raise UploadError("unknown_ref")
            yield file


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("r+b", buffering=0)
    except FileNotFoundError:
        raise UploadError("unknown_ref") from None


def _count(file: IO[bytes]) -> int:
    file.seek(_HEADER.size)
    return file.read().count(1)
