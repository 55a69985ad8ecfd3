"""Contracts: what uploads, writers, validators and external storage are to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from uploads.core.machine import Upload
from uploads.core.sniffing import FileType

Validator: TypeAlias = Callable[[Any], None]
"""Gets a complete `UploadEntry`, in a thread; raises `UploadError` to refuse it."""

Progress: TypeAlias = Callable[[Any], None]
"""Gets an `UploadEntry`, like a handler of the view."""

Grant: TypeAlias = dict[str, Any]
"""JSON for the browser; "uploader" names the function that understands the rest."""


class Entry(Protocol):
    """One upload, as sinks and presigners see it. `UploadEntry` says what each of these means."""

    @property
    def ref(self) -> str: ...
    @property
    def upload(self) -> Upload: ...
    @property
    def name(self) -> str: ...
    @property
    def safe_name(self) -> str: ...
    @property
    def extension(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def client_type(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def file_type(self) -> FileType | None: ...
    @property
    def hold(self) -> Hold: ...
    def let_go(self) -> None:
        """The upload is resumed or cleaned up elsewhere: the hold is no longer ours."""


class Hold(Protocol):
    """What ties an upload to its record in a state store, and its writer to the lease. All methods block."""

    @property
    def is_held(self) -> bool:
        """Whether there is a record. Without one the upload can't be resumed, and nobody else has it."""

    @property
    def ttl(self) -> float:
        """Seconds the upload may stay parked."""

    @property
    def patience(self) -> float:
        """Seconds without a write after which another process that has the file open counts as dead."""

    @property
    def offset(self) -> int:
        """Confirmed bytes, for a writer that can't tell by itself."""

    @property
    def writer(self) -> Mapping[str, Any]:
        """What `record_writer` stored."""

    def is_ours(self) -> bool:
        """Whether nobody else has resumed the upload."""

    def is_anothers(self) -> bool:
        """Whether somebody else has; False if only the record is gone."""

    def kept_from_others(self) -> AbstractContextManager[bool]:
        """Whether nobody else has it, though it may be parked, and its record is there; within, nobody resumes it."""

    def keep(self) -> None:
        """Renews the lease when due. Raises `UploadError("superseded")` if somebody else has it now."""

    def record_offset(self, offset: int) -> None:
        """The first `offset` bytes are confirmed."""

    def record_writer(self, state: dict[str, Any]) -> None:
        """What a writer needs to be resumed elsewhere. Raises `ValueError` if it isn't JSON or is too long."""

    def park(self, offset: int) -> None:
        """Records the offset and releases the lease: the upload waits to be resumed."""

    def release(self) -> None:
        """Releases the lease; the record stays."""

    def forget(self) -> None:
        """The upload is over: removes its record, unless somebody else has resumed it."""


@dataclass(frozen=True, slots=True)
class Found:
    """How far a resumed upload had come.

    `offset` counts the durable bytes. The file's type follows from `head`, its first bytes, or, where they can't be
    read back, from the `content_type` they had shown.
    """

    offset: int = 0
    head: bytes = b""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """`sha256` is hexadecimal, empty if unknown; `result` becomes the entry's `writer_result`."""

    sha256: str = ""
    result: Any = None


class Sink(Protocol):
    """Where the bytes of one upload go: a staging file, the bucket, a slot's writer or external storage.

    Every method blocks, is called in a thread and may raise `UploadError`. `write`, `seal` and `finish` are called one
    at a time; `park` and `discard` at any time, in any thread and more than once.
    """

    @property
    def is_remote(self) -> bool:
        """Whether a call may have to wait for something other than this machine's disk."""

    @property
    def is_staged(self) -> bool:
        """Whether the bytes are on this machine's disk once it is sealed, for validators to read."""

    @property
    def path(self) -> Path:
        """Where the bytes are on this machine's disk, if they are."""

    @property
    def on_disk(self) -> int:
        """How many of them are there now."""

    @property
    def durable(self) -> int:
        """Bytes that would be found if the upload were resumed now."""

    @property
    def tail(self) -> tuple[str, int]:
        """Hexadecimal SHA-256 of the last bytes before the offset, and their number. Empty for 0.

        A client compares it with its file before it resumes.
        """

    @property
    def outlives(self) -> bool:
        """Whether what it has outlives a failure that passes: `finish`, or a new sink's `reopen`, may go on from it."""

    @property
    def is_broken(self) -> bool:
        """Whether a failure has stopped it, so that only a new sink can go on, if any can."""

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Appends."""

    def seal(self) -> str:
        """No more bytes will come. The SHA-256, as far as it is known before the validators run."""

    def finish(self) -> Sealed:
        """The validators have passed. Called again after a resume, or after an `UploadError` that `passes`."""

    def recall(self, writer: Mapping[str, Any]) -> None:
        """What the upload's record says of an earlier sink. Never blocks; for one that isn't resumed, or not yet."""

    def measure(self) -> int | None:
        """The bytes that a resume would find, without resuming; None if nothing is there at all."""

    def reopen(self, hold: Hold) -> Found:
        """Resumes from what an earlier sink of the upload left."""

    def park(self) -> None:
        """Lets go, and leaves the bytes to be resumed."""

    def discard(self, cause: BaseException | None) -> None:
        """Removes the bytes. Without a cause the application has the file, and only leftovers here are removed."""

    def file(self, name: str, content_type: str) -> Any:
        """The bytes as a Django `UploadedFile`; empty if they are elsewhere."""

    def sibling(self, name: str) -> Path:
        """A path on this machine's disk for something made from the upload, and removed with it."""


WriterFactory: TypeAlias = Callable[..., Any]
"""A writer's class, or a function that makes one; called with the four keyword arguments of `UploadWriter`."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What has arrived, as the storage itself reports. `head` has the first `SNIFF_BYTES`, or None if unreadable."""

    size: int
    head: bytes | None
    result: Any


class Remote(Protocol):
    """One upload at its storage. All methods block and raise `UploadError`."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What `Presigner.resume` needs to find it again, as JSON. The upload's whole record has 16 KiB."""

    def grant(self) -> Grant:
        """How the browser may send what is missing."""

    def sign(self, parts: Sequence[int]) -> Grant:
        """Fresh permissions: for these parts, or for the whole upload if none are given."""

    def measure(self) -> int:
        """Bytes at the storage. Raises `UploadError("unknown_ref")` if the upload is gone."""

    def finish(self) -> Stored:
        """The browser says it is done. Raises `UploadError("incomplete")` if it isn't. May be called twice."""

    def accept(self, entry: Any) -> Any:
        """Stores an `UploadEntry` that was posted without JavaScript and is staged here; its `writer_result`."""

    def discard(self) -> None:
        """Removes whatever is there, an unfinished upload included. May be called twice."""


class Presigner(Protocol):
    """`begin` and `resume` block, and raise `UploadError` to refuse."""

    @property
    def needs_view(self) -> bool:
        """Whether `begin` uses the view: if so, it is called like a handler, in turn."""

    def begin(self, entry: Any, view: Any) -> Remote: ...

    def resume(self, entry: Any, state: Mapping[str, Any]) -> Remote: ...
