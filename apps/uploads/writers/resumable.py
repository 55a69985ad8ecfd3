"""Writers whose upload can be interrupted and go on: after a lost socket, a restart, or on another host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uploads.writers.buffered import BufferedUploadWriter
from uploads.writers.contract import UploadWriter


class ResumableUploadWriter(UploadWriter):
    """For a slot with `resumable=True`. Whoever resumes makes a new writer, with the same `upload_id`, and opens it.

    `confirmed` is 0 then, or the bytes that were confirmed before: `open` has to go on after those. How many have been
    written is kept in the slot's state store as they are written.

    A writer that knows better where it stands, say from its storage, overrides `measure`. What it needs to find its
    storage again it puts into `resume_state`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.confirmed = 0
        self.resume_state: dict[str, Any] = {}  # JSON; with all that belongs to it, the upload's record has 4 KiB
        self.sha256 = ""  # for `close` to set after a resume, where it can tell; hexadecimal
        self.__keep: Callable[[], None] = lambda: None

    def save_state(self) -> None:
        """Keeps `resume_state` in the state store now. Blocks."""
        self.__keep()

    def measure(self) -> int:
        """Called after each `open`: the bytes that are there to stay, from which the upload goes on."""
        return self.confirmed

    def durable(self, written: int) -> int:
        """How many of the `written` bytes would be found by whoever resumes now."""
        return written

    def tail(self, offset: int) -> tuple[str, int]:
        """SHA-256 in hexadecimal of the last bytes before `offset`, and how many these are.

        The browser compares it with its file before it goes on. Of none (0) it takes the server's word.
        """
        return "", 0

    def suspend(self) -> None:
        """The upload is interrupted, and this instance is called no more: let go of what only this process has."""

    def keep_with(self, keep: Callable[[], None]) -> None:
        """For the driver: what `save_state` calls."""
        self.__keep = keep


def goes_on_elsewhere(writer: UploadWriter) -> bool:
    """Whether a new instance could go on.

    A writer that buffers has bytes which are nowhere else, and unless it measures only this very instance knows how
    many parts it has stored: it is kept in this process instead.
    """
    if not isinstance(writer, ResumableUploadWriter):
        return False
    measures = type(writer).measure is not ResumableUploadWriter.measure
    return measures or not isinstance(writer, BufferedUploadWriter)
