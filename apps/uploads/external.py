"""Uploads whose bytes don't come here: the browser sends them to another storage, with a permission made here.

A slot's `external` is a `Presigner`: it makes a `Remote` for each upload, which says how the browser may send, looks
afterwards at what has arrived, and cleans up. `uploads.s3.presigning` has the one for S3.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile

from uploads.core import machine
from uploads.core.contracts import Grant, Presigner, Remote, Stored
from uploads.core.machine import State, Write
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError

__all__ = ["Callback", "ExternalEntry", "Grant", "Presigner", "Remote", "Stored", "as_presigner", "topic_of"]

logger = logging.getLogger("uploads")


def topic_of(upload_id: str) -> str:
    """What is broadcast when a storage says that an upload is complete: `{"upload_id", "key", "size", "etag"}`."""
    return f"uploads.external.{upload_id}"


Callback: TypeAlias = Callable[[Any, Any], Grant]


def as_presigner(external: Presigner | Callback | None) -> Presigner | None:
    """A presigner of a function `(entry, view) → dict`, whose dict goes to the browser's uploader of that name.

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

    def begin(self, entry: UploadEntry, view: Any) -> Remote:
        made = self.make(entry, view)
        if not isinstance(made, dict) or not isinstance(made.get("uploader"), str):
            raise TypeError(f'a presigner returns a dict with an "uploader", not {made!r}')
        return _Unseen(entry, made)

    def resume(self, entry: UploadEntry, state: Mapping[str, Any]) -> Remote:
        raise UploadError("unknown_ref")


class _Unseen:
    """At a storage that we know nothing of: the browser is believed, unless a validator looks."""

    state: Mapping[str, Any] = {}

    def __init__(self, entry: UploadEntry, made: Grant) -> None:
        self._entry, self._made = entry, made

    def grant(self) -> Grant:
        return self._made

    def sign(self, parts: Sequence[int]) -> Grant:
        return self._made

    def measure(self) -> int:
        return 0

    def finish(self) -> Stored:
        return Stored(self._entry.size, None, self._made)

    def accept(self, entry: UploadEntry) -> Any:
        return None

    def discard(self) -> None:
        """Whatever is there is the application's."""


class ExternalEntry(UploadEntry):
    """One file whose bytes are elsewhere: `writer_result` says where, and `file` and `data` are empty."""

    remote: Remote | None = None

    def attach(self, remote: Remote) -> None:
        """The storage expects the bytes. Raises `UploadError("cancelled")` if nobody wants them any more. Blocks."""
        with self._lock:
            late = self._is_doomed
            if not late:
                self.remote = remote
        if late:
            remote.discard()
            raise UploadError("cancelled")

    @property
    def file(self) -> UploadedFile[Any]:
        """Empty, unless the bytes were posted here and the presigner is a function, which can't take them."""
        if self.remote is None or self.path.exists():
            return super().file
        return SimpleUploadedFile(self.safe_name, b"", self.content_type or "application/octet-stream")

    @property
    def at_storage(self) -> Remote:
        """Raises `UploadError("unknown_ref")` before `attach`."""
        if self.remote is None:
            raise UploadError("unknown_ref")
        return self.remote

    def finish(self) -> None:
        """Looks at what has arrived; all bytes count as written then. Blocks; raises `UploadError`.

        Whoever cancels meanwhile cleans up afterwards, not between two requests of ours.
        """
        self.hold()
        try:
            self._finish()
        finally:
            self.release()

    def _finish(self) -> None:
        stored = self.at_storage.finish()
        if stored.size != self.size:
            raise UploadError("size_mismatch")
        if stored.head is not None:
            self.look(stored.head)
        self.writer_result = stored.result
        missing = self.size - self.upload.received
        if missing and isinstance(self.receive(self.upload.received, missing), Write):
            self.written(missing)

    def check(self) -> None:
        if self.remote is not None:
            for validator in self.slot.validators:
                validator(self)
            return
        super().check()
        assert self.slot.external is not None
        self.attach(self.slot.external.begin(self, None))
        self.writer_result = self.at_storage.accept(self)

    def reopen(self) -> None:
        keeper, presigner = self.keeper, self.slot.external
        state = keeper.record.writer.get("state") if keeper is not None else None
        if not state or presigner is None:
            raise UploadError("unknown_ref")
        remote = presigner.resume(self, state)
        try:
            offset = remote.measure()
        except UploadError as failure:
            if failure.code != "storage_unavailable":
                raise
            raise UploadError("locked", failure.message) from None  # no reason to give up what it has: ask again
        self.attach(remote)
        with self._lock:
            self.upload = machine.resume(self.upload, offset)

    def _remove(self) -> None:
        if self.remote is not None and self.state is not State.CONSUMED:
            try:
                self.remote.discard()
            except Exception:
                logger.warning("could not clean up at a storage: the janitor will", exc_info=True)
                self.keeper = None  # the record stays for it
        super()._remove()
