"""Writers whose upload can be resumed: after a lost socket, after a restart or on another host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uploads.writers.buffered import BufferedUploadWriter
from uploads.writers.contract import UploadWriter


class ResumableUploadWriter(UploadWriter):
    """For a slot with `resumable=True`. A resume makes a new writer, with the same `upload_id`, and opens it.

    `confirmed` is then the bytes confirmed before, perhaps 0: `open` has to continue after those. How many have been
    written is recorded in the slot's state store as they are written.

    A writer that knows better where it stands, say from its storage, overrides `measure`. It puts what it needs to find
    its storage again into `resume_state`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.confirmed = 0
        self.resume_state: dict[str, Any] = {}  # JSON; the upload's whole record has 16 KiB
        self.sha256 = ""  # hexadecimal; for `close` to set after a resume, if it can
        self.__keep: Callable[[], None] = lambda: None

    def save_state(self) -> None:
        """Saves `resume_state` in the state store now. Blocks."""
        self.__keep()

    def measure(self) -> int:
        """Called after each `open`: the durable bytes, after which the upload continues."""
        return self.confirmed

    def durable(self, written: int) -> int:
        """How many of the `written` bytes a resume would find now."""
        return written

    def tail(self, offset: int) -> tuple[str, int]:
        """Hexadecimal SHA-256 of the last bytes before `offset`, and their number.

        The browser compares it with its file before it resumes. With 0 it takes the server's word.
        """
        return "", 0

    def suspend(self) -> None:
        """The upload is parked: let go of what only this process has. Only `abort` may still be called, if nobody wants
        the upload any more before another instance goes on.

        Also called after `write_chunk` or `close` has raised something that passes: `UploadError` with
        `storage_unavailable`, or an `OSError`.
        """

    def keep_with(self, keep: Callable[[], None]) -> None:
        """For the driver: what `save_state` calls."""
        self.__keep = keep


def goes_on_elsewhere(writer: UploadWriter | None) -> bool:
    """Whether a new instance could resume.

    A buffering writer has bytes that are nowhere else and, unless it measures, only this very instance knows how many
    parts it has stored: it waits in this process instead.
    """
    if not isinstance(writer, ResumableUploadWriter):
        return False
    measures = type(writer).measure is not ResumableUploadWriter.measure
    return measures or not isinstance(writer, BufferedUploadWriter)
