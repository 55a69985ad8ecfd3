"""Staging files, where bytes wait: one per upload, named by its id.

The file's length is the offset. It is written, hashed and removed in threads, never on the event loop.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from weakref import WeakSet

from django.core.files.uploadedfile import UploadedFile

from liveview.process import here
from uploads.conf import conf
from uploads.core.contracts import Found, Hold, Sealed
from uploads.core.sniffing import SNIFF_BYTES
from uploads.errors import UploadError
from uploads.staging import ownership

logger = logging.getLogger("uploads")

BLOCK = 1024 * 1024  # bytes read at a time
TAIL = 64 * 1024  # bytes before the offset that tell a resuming client whether it has the same file
HASHES_KEPT = 512  # of parked files
NOTE = "note"  # beside a scratch copy: what is in it


class Hashes:
    """SHA-256 so far of parked files, so that resuming in this process needn't read them from the beginning."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[int, Any]] = OrderedDict()  # upload id → how many bytes, and their hash
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def keep(self, upload_id: str, length: int, digest: Any) -> None:
        with self._lock:
            self._held[upload_id] = length, digest
            self._held.move_to_end(upload_id)
            while len(self._held) > HASHES_KEPT:
                self._held.popitem(last=False)

    def take(self, upload_id: str) -> tuple[int, Any]:
        """What is known of the file's beginning. Staging files only grow: no byte of it has changed since."""
        with self._lock:
            return self._held.pop(upload_id, (0, None))


class Alive:
    """The staging files that this process still needs: those that are open, and those that are complete."""

    def __init__(self) -> None:
        self._files: WeakSet[StagingFile] = WeakSet()
        self._lock = threading.Lock()

    def add(self, file: StagingFile) -> None:
        with self._lock:
            self._files.add(file)

    def discard(self, file: StagingFile) -> None:
        with self._lock:
            self._files.discard(file)

    def names(self) -> set[str]:
        """The ids of their uploads. Also tells other processes that files which nobody has open are still needed."""
        with self._lock:
            files = list(self._files)
        for file in files:
            file.touch()
        return {file.path.name for file in files}


class StagingFile:
    """The sink on this machine's disk. Threads take turns; once discarded, it stays empty whatever still arrives.

    Of all that have the same upload, only the last to open it may write, in this process or another.

    It is also the scratch copy of what goes to a bucket. Then its beginning may be `missing`: only the bucket has those
    bytes, and the file has a hole in their place until it is filled.

    size: bytes that were declared; a longer file isn't ours.
    """

    is_remote = False
    is_staged = True
    outlives = True
    is_broken = False

    def __init__(self, upload_id: str, size: int) -> None:
        self.path = conf().staging_dir / upload_id
        self._size = size
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._length = 0  # bytes that count; fewer than there are after a write that failed half-way
        self.missing = 0
        self._siblings: set[Path] = set()
        self._lock = threading.Lock()
        self._is_discarded = False
        self._is_parked = False
        self._is_superseded = False
        self.tail = ("", 0)
        here(Alive).add(self)

    def touch(self) -> None:
        """Shows others that it is needed, unless its lock does."""
        if self._file is None:
            with contextlib.suppress(OSError):
                os.utime(self.path)

    @property
    def durable(self) -> int:
        return self._length

    @property
    def on_disk(self) -> int:
        return self._length - self.missing

    @property
    def is_over(self) -> bool:
        """Whether nothing more is written: it is parked, discarded or somebody else's."""
        return self._is_parked or self._is_discarded

    def recall(self, writer: Mapping[str, Any]) -> None:
        """The file itself says all there is to know."""

    def measure(self) -> int | None:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return None

    def file(self, name: str, content_type: str) -> UploadedFile[Any]:
        return StagedFile(self.path, name, content_type)

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Appends. Raises `UploadError`: `storage_full` if it can't be written, `superseded` after `park`."""
        with self._lock:
            if self._is_discarded:
                return
            if self._is_parked:
                raise UploadError("superseded")
            try:
                self._append(pieces)
            except OSError:
                logger.exception("could not write staging file")
                raise UploadError("storage_full") from None

    def seal(self) -> str:
        """Closes the file; the SHA-256 of its bytes in hexadecimal.

        Raises `UploadError("superseded")` if somebody else has resumed it.
        """
        with self._lock:
            if self._is_parked or self._file is not None and not ownership.is_in_place(self._file, self.path):
                raise UploadError("superseded")
            self._close()
        return self._hash.hexdigest()

    def finish(self) -> Sealed:
        return Sealed(self._hash.hexdigest())

    def discard(self, cause: BaseException | None = None) -> None:
        self.remove()

    def remove(self) -> bool:
        """Removes the file and whatever was derived from it, unless somebody else has resumed it; whether it was ours.

        What has been moved away stays where it is.
        """
        with self._lock:
            self._is_discarded = True
            here(Alive).discard(self)
            is_anothers = self._is_superseded or ownership.is_anothers(self.path, self)
            if self._file is not None and not ownership.is_in_place(self._file, self.path):
                is_anothers = True
            self._close()
            if is_anothers:
                return False
            here(Hashes).take(self.path.name)
            for path in (self.path, *self._siblings):
                path.unlink(missing_ok=True)
            return True

    def park(self) -> None:
        """Closes the file and leaves it; what still arrives is no longer written."""
        with self._lock:
            self._park()

    def give_way(self) -> set[Path]:
        """The upload was resumed in this process: parked, and the bytes stay, whatever is asked of it."""
        with self._lock:
            self._is_superseded = True
            self._park()
            return set(self._siblings)

    def reopen(self, hold: Hold) -> Found:
        """Opens what was staged before, to continue at its end.

        Nobody else who has it open can write from then on. If there is no file and the upload is held, one is made, so
        that nobody else can. Raises `UploadError`: `unknown_ref` if it is longer than declared, `locked` while another
        process has it open.
        """
        return self._taken_over(lambda: self._reopen(hold))

    def start_at(self, hold: Hold, offset: int, body: bytes) -> Found:
        """The same, with a new file that continues with `body` after `offset` bytes that are missing here."""
        return self._taken_over(lambda: self._start_at(hold, offset, body))

    def fill(self, blocks: Iterable[bytes]) -> None:
        """Puts what was missing into its place, while the file is open. Raises `UploadError`."""
        with self._lock:
            if self._file is None:
                raise UploadError("superseded")
            self._hash, filled = hashlib.sha256(), 0
            try:
                self._file.seek(0)
                for block in blocks:
                    _write_all(self._file, block)
                    self._hash.update(block)
                    filled += len(block)
            except OSError:
                logger.exception("could not write staging file")
                raise UploadError("storage_full") from None
            if filled != self.missing:
                raise UploadError("unknown_ref")
            _read_from(self._file, filled, self._length, self._hash.update)
            self.missing = 0

    def _taken_over(self, begin: Callable[[], Found]) -> Found:
        inherited = ownership.take_over(self.path, self)
        try:
            with self._lock:
                self._siblings |= inherited
                if self._is_parked:  # by somebody quicker
                    raise UploadError("locked")
                return begin()
        except BaseException:
            ownership.leave(self.path, self)
            raise

    def _reopen(self, hold: Hold) -> Found:
        self._file = self._opened(hold)
        if self._file is None:
            return Found()
        try:
            return self._go_on(self._file)
        except UploadError:
            self._close()
            raise

    def _opened(self, hold: Hold) -> IO[bytes] | None:
        try:
            return ownership.opened(self.path, hold.patience)
        except FileNotFoundError:
            return self._made() if hold.is_held else None

    def _start_at(self, hold: Hold, offset: int, body: bytes) -> Found:
        file = self._file = self._opened(hold) or self._made()
        try:
            file.truncate(0)
            here(Hashes).take(self.path.name)
            file.truncate(offset)
            file.seek(offset)
            _write_all(file, body)
            self.missing = offset
            return self._go_on(file)
        except OSError:
            self._close()
            logger.exception("could not write staging file")
            raise UploadError("storage_full") from None
        except UploadError:
            self._close()
            raise

    def _made(self) -> IO[bytes]:
        try:
            return ownership.made(self.path)
        except FileExistsError:
            raise UploadError("locked") from None
        except OSError:
            logger.exception("could not create staging file")
            raise UploadError("storage_full") from None

    def _go_on(self, file: IO[bytes]) -> Found:
        offset = file.seek(0, os.SEEK_END)
        if offset > self._size:
            raise UploadError("unknown_ref")
        self._length = offset
        tail, start = hashlib.sha256(), max(self.missing, offset - TAIL)
        _read_from(file, start, offset, tail.update)
        self.tail = (tail.hexdigest(), offset - start) if offset > start else ("", 0)
        if self.missing:
            return Found(offset)
        head = bytearray()
        _read_from(file, 0, min(offset, SNIFF_BYTES), head.extend)
        known, digest = here(Hashes).take(self.path.name)
        if digest is not None and known <= offset:
            self._hash = digest
        else:
            known = 0
        _read_from(file, known, offset, self._hash.update)
        return Found(offset, bytes(head))

    def _append(self, pieces: Sequence[bytes | memoryview]) -> None:
        if self._file is None:
            ownership.enter(self.path, self)
            try:
                self._file = ownership.made(self.path)
            except FileExistsError:
                raise UploadError("superseded") from None
        for piece in pieces:
            _write_all(self._file, piece)
            if not self.missing:  # else all is hashed when it is filled
                self._hash.update(piece)
            self._length += len(piece)

    def _park(self) -> None:
        self._is_parked = True
        here(Alive).discard(self)
        if self._file is not None and not self.missing and ownership.is_in_place(self._file, self.path):
            here(Hashes).keep(self.path.name, self._length, self._hash)
        self._close()

    def _close(self) -> None:
        ownership.leave(self.path, self)
        if self._file is not None:
            ownership.closed(self._file)
            self._file = None

    def sibling(self, name: str) -> Path:
        """A path for something made from this upload, and removed with it."""
        path = self.path.with_name(f"{self.path.name}.{name}")
        with self._lock:
            self._siblings.add(path)
        return path


def _read_from(file: IO[bytes], start: int, end: int, see: Callable[[bytes], object]) -> None:
    file.seek(start)
    while start < end and (block := file.read(min(BLOCK, end - start))):
        see(block)
        start += len(block)
    file.seek(end)


def _write_all(file: IO[bytes], chunk: bytes | memoryview) -> None:
    """An unbuffered write may take only a part, as when the disk is nearly full."""
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

        The first name stays: should the handler raise after saving, the entry is still whole.
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
