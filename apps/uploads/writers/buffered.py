"""Chunks as they come in, parts of one size out."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from typing import Any

from uploads.writers.contract import UploadWriter


class BufferedUploadWriter(UploadWriter):
    """Calls `on_part` with exactly `buffer_threshold` bytes at a time, and once with the rest if there is one.

    A subclass that overrides `write_chunk` or `close` without calling ours is buffered and flushed all the same, as
    the seeds' sample expects it; `accept` and `flush` see to that.
    """

    buffer_threshold = 5 * 1024 * 1024  # bytes; S3 takes no smaller part, except the last

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Mangled names: a subclass may use `_parts` or `_buffer` for itself.
        self.__pieces: deque[bytes | memoryview] = deque()
        self.__length = 0
        self.__parts = 0
        self.__calls = 0

    @abstractmethod
    def on_part(self, part: bytes, part_num: int) -> None:
        """A part is complete. Numbers start at 1."""

    def on_complete(self) -> Any:
        """Every part has been handed over. What it returns is `entry.writer_result`."""

    def write_chunk(self, chunk: bytes) -> None:
        self.__calls += 1
        self.__pieces.append(chunk)
        self.__length += len(chunk)
        if self.__length >= self.buffer_threshold:
            self.flush()

    def close(self) -> Any:
        self.flush(final=True)
        return self.on_complete()

    def flush(self, *, final: bool = False) -> None:
        """Hands over every whole part that is buffered; with `final` also what is left after them."""
        while self.__length >= self.buffer_threshold or (final and self.__length):
            part = self.__take(min(self.buffer_threshold, self.__length))
            try:
                self.on_part(part, self.__parts + 1)
            except BaseException:
                self.__put_back(part)
                raise
            self.__parts += 1

    def __take(self, size: int) -> bytes:
        """The first `size` bytes: copied once, and while other threads run, since all pieces are `bytes`."""
        taken: list[bytes] = []
        self.__length -= size
        while size:
            piece = self.__pieces.popleft()
            if len(piece) > size:
                view = memoryview(piece)
                self.__pieces.appendleft(view[size:])
                piece = view[:size]
            taken.append(bytes(piece))
            size -= len(piece)
        return b"".join(taken)

    def __put_back(self, part: bytes) -> None:
        self.__pieces.appendleft(part)
        self.__length += len(part)

    # For the driver and for writers that resume
    def accept(self, chunk: bytes) -> None:
        """`write_chunk`, and the buffering if an override left that out."""
        calls = self.__calls
        self.write_chunk(chunk)
        if self.__calls == calls:
            BufferedUploadWriter.write_chunk(self, chunk)

    @property
    def buffered(self) -> int:
        """Bytes that wait for their part to be complete."""
        return self.__length

    def take_rest(self) -> bytes:
        """Those bytes, for a writer that keeps them elsewhere. They are no longer buffered."""
        return self.__take(self.__length)

    def skip_parts(self, count: int) -> None:
        """The first `count` parts exist already: the next one has the number after."""
        self.__parts = count
