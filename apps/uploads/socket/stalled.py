"""Stalled uploads: begun on a socket, then not a byte for a long time.

A page doesn't say when its visitor pauses, so a pause looks the same. Hence the limit is long, and only for uploads
that couldn't be resumed anyway once their page is gone: a resumable one may pause for as long as its page lives. A page
that vanishes is noticed long before, by its socket's ping. What hasn't begun waits for its form or behind other files,
and what has fully arrived waits for us: neither is stalled. But what never begins keeps others from a place, and ends
after half a day.

What comes too slowly is no pause. It is the socket's bytes that count, of all its uploads together: fifty of them on
one slow line are slow, too, and their page isn't.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from uploads.entries.entry import UploadEntry

PERIODS: Final = 3  # without a good one among them


class Stall:
    """How long it has been quiet on one socket. `limit` is in seconds; 0 is no limit."""

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._since = clock()

    def moved(self) -> None:
        """A chunk has arrived, of any upload: those that wait behind it aren't stalled."""
        self._since = self._clock()

    @property
    def left(self) -> float:
        """Seconds until it has been quiet for too long; 0 when it has."""
        return max(0.0, self._since + self.limit - self._clock())


class Drip:
    """Whether a socket's bytes come too slowly: some now and then, and never enough. A pause proves nothing."""

    def __init__(self, least: float) -> None:
        """`least` is in bytes of a period."""
        self._least = least
        self._came = self._times = 0

    def received(self, size: int) -> None:
        self._came += size

    def is_dripping(self, *, counts: bool) -> bool:
        """To be asked at the end of each period. counts: whether an upload had all of it, and its client could send."""
        came, self._came = self._came, 0
        if came >= self._least:
            self._times = 0
        elif came and counts:
            self._times += 1
        return self._times >= PERIODS


def is_stalled(entry: UploadEntry) -> bool:
    """Whether only the client can continue it, now or never."""
    upload = entry.upload
    has_begun = entry.is_open and upload.received > 0
    return has_begun and upload.written == upload.received < upload.size and not entry.slot.resumable
