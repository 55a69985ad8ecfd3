"""Direct uploads: the browser sends the bytes to external storage, with a permission made here.

A slot's `external` is a `Presigner`: it makes a `Remote` for each upload, which says how the browser may send, checks
afterwards what has arrived, and cleans up. `uploads.s3.presigning` has the one for S3.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile

from liveview.process import here
from uploads import threads
from uploads.core.contracts import Entry, Found, Grant, Hold, Presigner, Remote, Sealed, Stored
from uploads.errors import UploadError
from uploads.staging.files import StagingFile
from uploads.threads import Pools

__all__ = ["Callback", "Grant", "Presigner", "Remote", "RemoteSink", "Stored", "as_presigner", "topic_of"]

logger = logging.getLogger("uploads")


def topic_of(upload_id: str) -> str:
    """Broadcast when a storage says that an upload is complete: `{"upload_id", "key", "size", "etag"}`."""
    return f"uploads.external.{upload_id}"


Callback: TypeAlias = Callable[[Any, Any], Grant]


def as_presigner(external: Presigner | Callback | None) -> Presigner | None:
    """A presigner made of a function `(entry, view) → dict`, whose dict goes to the browser's uploader of that name.

    Raises `TypeError` for anything else.
    """
    if external is None or hasattr(external, "begin"):
        return external  # type: ignore[return-value]  # what has `begin` is a Presigner
    if not callable(external):
        raise TypeError(f"external takes a presigner, or a function of an entry and its view, not {external!r}")
    return _FunctionPresigner(external)


@dataclass(frozen=True, slots=True)
class _FunctionPresigner:
    make: Callback
    needs_view: bool = True

    def begin(self, entry: Any, view: Any) -> Remote:
        made = self.make(entry, view)
        if not isinstance(made, dict) or not isinstance(made.get("uploader"), str):
            raise TypeError(f'a presigner returns a dict with an "uploader", not {made!r}')
        return _Unseen(entry, made)

    def resume(self, entry: Any, state: Mapping[str, Any]) -> Remote:
        raise UploadError("unknown_ref")


class _Unseen:
    """At a storage we know nothing about: the browser is believed, unless a validator checks."""

    state: Mapping[str, Any] = {}

    def __init__(self, entry: Entry, made: Grant) -> None:
        self._entry, self._made = entry, made

    def grant(self) -> Grant:
        return self._made

    def sign(self, parts: Sequence[int]) -> Grant:
        return self._made

    def measure(self) -> int:
        return 0

    def finish(self) -> Stored:
        return Stored(self._entry.size, None, self._made)

    def accept(self, entry: Any) -> Any:
        return None

    def discard(self) -> None:
        """Whatever is there is the application's."""


@runtime_checkable
class Fetched(Protocol):
    """What else a `Remote` does if its presigner `fetches`: files have a path, and a SHA-256, as if they came here."""

    def blocks(self) -> Iterator[bytes]:
        """The bytes, once all have arrived. Blocks; raises `UploadError`."""

    def file(self, path: Path, name: str, content_type: str) -> UploadedFile[Any]:
        """Those at `path`, for a handler."""


class RemoteSink:
    """The sink for external storage: the bytes don't come here; `finish` says where they are.

    A file posted without JavaScript does come here: it is staged, and handed over once it has passed every check.
    """

    is_remote = True
    outlives = True
    is_broken = False

    def __init__(self, entry: Entry, presigner: Presigner) -> None:
        self._entry, self._presigner = entry, presigner
        self._staged = StagingFile(entry.upload.id, entry.size)
        self._lock = threading.Lock()
        self._is_doomed = False
        self._is_fetched = False
        self._result: Any = None
        self.remote: Remote | None = None

    def attach(self, remote: Remote) -> None:
        """The storage expects the bytes. Raises `UploadError("cancelled")` if nobody wants them any more. Blocks."""
        with self._lock:
            late = self._is_doomed
            if not late:
                self.remote = remote
        if late:
            remote.discard()
            raise UploadError("cancelled")

    def begin(self, view: Any) -> None:
        """Has the presigner make a permission. Blocks; raises `UploadError`."""
        try:
            self.attach(self._presigner.begin(self._entry, view))
        except UploadError:
            raise
        except Exception:  # noqa: BLE001  (the application's code)
            logger.exception("presigner failed")
            raise UploadError("server_error") from None

    @property
    def at_storage(self) -> Remote:
        """Raises `UploadError("unknown_ref")` before `attach`."""
        if self.remote is None:
            raise UploadError("unknown_ref")
        return self.remote

    def arrived(self) -> Stored:
        """What the storage has now that all has been sent. Blocks; raises `UploadError`."""
        stored = self.at_storage.finish()
        self._result = stored.result
        return stored

    # As a sink
    @property
    def is_staged(self) -> bool:
        return bool(getattr(self._presigner, "fetches", False))

    @property
    def path(self) -> Path:
        return self._staged.path

    def sibling(self, name: str) -> Path:
        return self._staged.sibling(name)

    @property
    def durable(self) -> int:
        return self._staged.durable

    @property
    def on_disk(self) -> int:
        return self._staged.on_disk

    tail = ("", 0)  # the storage has its own way to compare

    def file(self, name: str, content_type: str) -> UploadedFile[Any]:
        """Empty, unless the bytes were posted here and the presigner is a function, which can't take them."""
        if isinstance(self.remote, Fetched) and self._is_fetched:
            return self.remote.file(self.path, name, content_type)
        if self.remote is None or self.path.exists():
            return self._staged.file(name, content_type)
        return SimpleUploadedFile(name, b"", content_type)

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        self._staged.write(pieces)

    def seal(self) -> str:
        if isinstance(self.remote, Fetched) and self.is_staged and not self._staged.durable:
            with threads.aside():
                self._fetch(self.remote)
        return self._staged.seal() if self.remote is None or self._is_fetched else ""

    def _fetch(self, remote: Fetched) -> None:
        self._is_fetched = True
        try:
            for block in remote.blocks():
                self._staged.write([block])
        except BaseException:  # the next try begins anew
            self._is_fetched = False
            self._staged.discard()
            self._staged = StagingFile(self._entry.upload.id, self._entry.size)
            raise

    def finish(self) -> Sealed:
        if self._is_fetched:
            return Sealed(self._staged.finish().sha256, self._result)
        if self.remote is not None and not self._staged.durable:
            return Sealed(result=self._result)
        if self.remote is None:
            self.begin(None)
        return Sealed(self._staged.finish().sha256, self.at_storage.accept(self._entry))

    def recall(self, writer: Mapping[str, Any]) -> None:
        """It is asked of the hold, once it is resumed."""

    def measure(self) -> int | None:
        return self.remote.measure() if self.remote is not None else None

    def reopen(self, hold: Hold) -> Found:
        state = hold.writer.get("state")
        if not state:
            raise UploadError("unknown_ref")
        remote = self._presigner.resume(self._entry, state)
        try:
            offset = remote.measure()
        except UploadError as failure:
            if failure.code != "storage_unavailable":
                raise
            raise UploadError("locked", failure.sentence) from None  # no reason to give up what it has: ask again
        except OSError:
            logger.warning("direct upload: storage did not respond", exc_info=True)
            raise UploadError("locked", UploadError("storage_unavailable").sentence) from None
        self.attach(remote)
        content_type = hold.writer.get("type")
        return Found(offset, content_type=content_type if isinstance(content_type, str) else "")

    def park(self) -> None:
        self._staged.park()

    def discard(self, cause: BaseException | None) -> None:
        with self._lock:
            self._is_doomed = True
        if self.remote is not None and cause is not None:
            self._discard_at(self.remote)
        elif self.remote is not None and self.is_staged:  # the application has stored it: no handler waits for this
            here(Pools).remotes.submit(self._discard_at, self.remote)
        self._staged.discard()

    def _discard_at(self, remote: Remote) -> None:
        try:
            remote.discard()
        except Exception:
            logger.warning("could not discard direct upload; left to the bucket's lifecycle rule", exc_info=True)
            self._entry.let_go()  # the record stays
