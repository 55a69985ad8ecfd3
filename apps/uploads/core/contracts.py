"""The contracts between the parts: what an upload, a writer, a validator and another storage are to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        """Somebody else goes on with it, or cleans up: the hold isn't ours any more."""


class Hold(Protocol):
    """What ties an upload to its record in a state store, and its writer to the lease. All methods block."""

    @property
    def is_held(self) -> bool:
        """Whether there is a record: without one nobody can go on with the upload, and it is nobody else's."""

    @property
    def ttl(self) -> float:
        """Seconds that the upload may be parked."""

    @property
    def patience(self) -> float:
        """Seconds without a write after which another process that has the file open counts as dead."""

    @property
    def offset(self) -> int:
        """The bytes that were confirmed, for a writer which doesn't know itself."""

    @property
    def writer(self) -> Mapping[str, Any]:
        """What `record_writer` has kept."""

    def is_ours(self) -> bool:
        """Whether nobody else has gone on with the upload."""

    def is_anothers(self) -> bool:
        """Whether somebody else has; not if only the record has gone."""

    def keep(self) -> None:
        """Renews the lease where that is due. Raises `UploadError("superseded")` if somebody else has it now."""

    def record_offset(self, offset: int) -> None:
        """So many bytes are confirmed."""

    def record_writer(self, state: dict[str, Any]) -> None:
        """What a writer needs to go on elsewhere. Raises `ValueError` if it is no JSON, or too much."""

    def park(self, offset: int) -> None:
        """Records the offset and gives the lease back: the upload waits for whoever goes on with it."""

    def release(self) -> None:
        """Gives the lease back; the record stays as it is."""

    def forget(self) -> None:
        """The upload is over: removes its record, unless somebody else has gone on with it."""


@dataclass(frozen=True, slots=True)
class Found:
    """How far an upload had come when somebody goes on with it.

    `offset` is the number of bytes that are there to stay. What kind of file it is follows from its `head`, its first
    bytes, or, where they can't be read back, from the `content_type` that they had shown.
    """

    offset: int = 0
    head: bytes = b""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """`sha256` is hexadecimal, and empty where it can't be told; `result` is what the entry has as `writer_result`."""

    sha256: str = ""
    result: Any = None


class Sink(Protocol):
    """Where the bytes of one upload go: a staging file, a slot's writer or another storage.

    Every method blocks, is called in a thread and may raise `UploadError`. `write`, `seal` and `finish` come one after
    the other; `park` and `discard` may come at any time, in another thread and more than once.
    """

    @property
    def is_remote(self) -> bool:
        """Whether a call may have to wait for something else than this machine's disk."""

    @property
    def path(self) -> Path:
        """Where the bytes are on this machine's disk, if they are."""

    @property
    def durable(self) -> int:
        """Bytes that whoever goes on with the upload would find."""

    @property
    def tail(self) -> tuple[str, int]:
        """SHA-256 in hexadecimal of the last bytes before the offset, and how many these are. Of none (0) it is empty.

        A client compares it with its file before it goes on.
        """

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Appends."""

    def seal(self) -> str:
        """No byte more; SHA-256 as far as it can be told before the validators have looked."""

    def finish(self) -> Sealed:
        """The validators have passed. Comes again where an upload is resumed after it."""

    def reopen(self, hold: Hold) -> Found:
        """Goes on with what an earlier sink of the upload has left."""

    def park(self) -> None:
        """Lets go and leaves what is there, for whoever goes on."""

    def discard(self, cause: BaseException | None) -> None:
        """Removes what is there. Without a cause the application has the file, and only what is left over here goes."""

    def file(self, name: str, content_type: str) -> Any:
        """The bytes as a Django `UploadedFile`; an empty one where they are elsewhere."""

    def sibling(self, name: str) -> Path:
        """A path on this machine's disk for something made of the upload. It is removed with the upload."""


WriterFactory: TypeAlias = Callable[..., Any]
"""A writer's class, or a function that makes one; called with the four keyword arguments of `UploadWriter`."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What has arrived, as the storage itself says. `head` has the first `SNIFF_BYTES`, or None if it can't be read."""

    size: int
    head: bytes | None
    result: Any


class Remote(Protocol):
    """One upload at its storage. All methods block and raise `UploadError`."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What `Presigner.resume` needs to find it again, as JSON. With all that belongs to it, a record has 4 KiB."""

    def grant(self) -> Grant:
        """How the browser may send what is missing now."""

    def sign(self, parts: Sequence[int]) -> Grant:
        """Fresh permissions: for these parts, or for the whole if there are none."""

    def measure(self) -> int:
        """Bytes that are there. Raises `UploadError("unknown_ref")` where the upload is gone."""

    def finish(self) -> Stored:
        """The browser says that it is done. Raises `UploadError("incomplete")` if that isn't so. May come twice."""

    def accept(self, entry: Any) -> Any:
        """Takes an `UploadEntry` that was posted without JavaScript and is staged here; its `writer_result`."""

    def discard(self) -> None:
        """Removes whatever is there, an unfinished upload included. May come twice."""


class Presigner(Protocol):
    """`begin` and `resume` block, and raise `UploadError` to refuse."""

    @property
    def needs_view(self) -> bool:
        """Whether `begin` looks at the view: it is called like a handler then, in its turn."""

    def begin(self, entry: Any, view: Any) -> Remote: ...

    def resume(self, entry: Any, state: Mapping[str, Any]) -> Remote: ...
