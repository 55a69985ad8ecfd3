"""A file that shows a decoder only the parts that the prescan has seen."""

from __future__ import annotations

import bisect
import io
import os
from typing import IO

from uploads.errors import UploadError

_PATCH = 16  # bytes that a patch has at most


class Veil:
    """Reads a file at any place, in pieces: however large it is, no more of it is in memory than was asked for.

    `cover` replaces bytes for a reader that uses `seek` and `read`; `end` is where the file ends for it. The file
    itself is never changed.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._descriptor = file.fileno()
        self.size = self.end = os.fstat(self._descriptor).st_size
        self._at = 0
        self._places: list[int] = []
        self._patches: list[bytes] = []

    def peek(self, at: int, length: int) -> bytes:
        """The file's own bytes at `at`; fewer at its end."""
        return os.pread(self._descriptor, length, at)

    def take(self, at: int, length: int) -> bytes:
        """As `peek`, but raises `UploadError("bad_content")` if they aren't all there."""
        data = self.peek(at, length)
        if len(data) < length:
            raise UploadError("bad_content")
        return data

    def cover(self, at: int, patch: bytes) -> None:
        """From now on `patch` is read at `at`. Patches come in any order and never overlap."""
        assert len(patch) <= _PATCH
        place = bisect.bisect(self._places, at)
        self._places.insert(place, at)
        self._patches.insert(place, patch)

    # What a decoder calls
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.end}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, length: int) -> bytes:
        start = self._at
        data = self.peek(start, max(0, min(length, self.end - start)))
        self._at += len(data)
        first = bisect.bisect(self._places, start - _PATCH)
        last = bisect.bisect(self._places, start + len(data))
        return data if first == last else self._patched(data, start, range(first, last))

    def _patched(self, data: bytes, start: int, patches: range) -> bytes:
        shown = bytearray(data)
        for number in patches:
            at, patch = self._places[number] - start, self._patches[number]
            low, high = max(0, at), min(len(shown), at + len(patch))
            if low < high:
                shown[low:high] = patch[low - at : high - at]
        return bytes(shown)
