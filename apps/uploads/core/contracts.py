"""The contracts between the parts: what an upload, a writer, a validator and another storage are to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


class Writer(Protocol):
    """What an `UploadWriter` is at the least. (Seed: seeds/001, "UploadWriter".)"""

    def open(self) -> None: ...
    def write_chunk(self, chunk: bytes) -> None: ...
    def close(self) -> Any: ...
    def abort(self, error: BaseException) -> None: ...


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
