"""What a writer is: where a slot's bytes go instead of the staging folder. (Seed: seeds/001, "UploadWriter".)"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class UploadWriter(ABC):
    """Takes the bytes of one upload. Pass the class, or a function that makes one, as `allow_upload(writer=…)`.

    It is made with these four keyword arguments once the first bytes are known to be of an accepted type:

    upload_id: 32 hexadecimal digits, made by the server.
    filename: the visitor's name for the file. Never use it in a path or a key; see `UploadEntry.safe_name`.
    content_type: what the first bytes say it is, or what the extension says where they say nothing.
    expected_size: bytes; exactly that many will come.

    All methods are called in threads, one at a time and in order, and may block: that slows down this
    upload's browser and nobody else's. After `abort`, or a `close` that returns, nothing more is called.
    """

    def __init__(self, upload_id: str, filename: str, content_type: str, expected_size: int | None = None) -> None:
        self.upload_id = upload_id
        self.filename = filename
        self.content_type = content_type
        self.expected_size = expected_size

    def open(self) -> None:  # noqa: B027  (not everything has to be opened)
        """Called once, before the first `write_chunk`. Raising refuses the upload and calls `abort`."""

    @abstractmethod
    def write_chunk(self, chunk: bytes) -> None:
        """Called with the bytes of each binary message. Raising ends the upload and calls `abort`."""

    def close(self) -> Any:  # noqa: B027
        """Every byte was written, and the slot's validators have passed. What it returns is `entry.writer_result`.

        Raising `UploadError("storage_unavailable")` says that the storage is away for the moment: it is called again.
        """

    def abort(self, error: BaseException) -> None:  # noqa: B027  (nor released)
        """The upload has failed, or was cancelled: release what it holds. What this raises is only logged.

        error: what `open`, `write_chunk`, `close` or a validator has raised; `ValueError` when the file is too large;
            `ConnectionAbortedError` when the visitor has cancelled or is gone.
        """

    @classmethod  # noqa: B027  (what was stored may stay)
    def discard(cls, result: Any) -> None:
        """`close` had returned `result`, and nobody will consume the upload: remove what was stored.

        Not in the seeds. The instance is done by then, so this is called on its class.
        """
