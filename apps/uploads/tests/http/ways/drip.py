"""A sender that is alive but in no hurry."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from uploads.tests.http.ways.raw import Wire


class Drip:
    """Sends a few bytes at a time from a thread of its own, for as long as the block runs or the server listens."""

    def __init__(self, wire: Wire, data: bytes, piece: int = 100) -> None:
        self._wire, self._data, self._piece = wire, data, piece
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while self.sent < len(self._data) and not self._stop.wait(0.05):
            try:
                self._wire.send(self._data[self.sent : self.sent + self._piece])
            except OSError:
                return
            self.sent += self._piece
