"""The queue between a connection and its application. Stock daphne's is unbounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeAlias

Message: TypeAlias = dict[str, Any]

OVERHEAD: Final = 512  # bytes of memory that the smallest message costs; a flood of empty ones must count as well


class ReceiveQueue(asyncio.Queue[Message]):
    """Tells its connection when it has enough (`hold`), and when most of that has been taken (`release`)."""

    def __init__(self, most: int, hold: Callable[[], None], release: Callable[[], None]) -> None:
        """`most` is in bytes; one more read of the socket may come on top."""
        super().__init__()
        self._most, self._hold, self._release = most, hold, release
        self._weight = 0
        self.holds = False
        self._newest: Message | None = None

    def end_body(self) -> None:
        """The request's body is complete: the newest message says so if it is still queued, else one of its own."""
        if self._newest is not None:
            self._newest["more_body"] = False
        else:
            self.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def forget(self) -> None:
        """Drops what waits."""
        while not self.empty():
            self.get_nowait()

    def _put(self, item: Message) -> None:
        super()._put(item)
        self._newest = item
        self._weight += _weight(item)
        if self._weight > self._most and not self.holds:
            self.holds = True
            self._hold()

    def _get(self) -> Message:
        item = super()._get()
        if item is self._newest:
            self._newest = None
        self._weight -= _weight(item)
        if self.holds and self._weight <= self._most // 4:
            self.holds = False
            self._release()
        return item


def _weight(message: Message) -> int:
    return OVERHEAD + len(message.get("body") or message.get("bytes") or message.get("text") or b"")
