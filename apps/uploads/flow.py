"""Credit: how many bytes one socket may send before the server has dealt with the earlier ones.

Daphne queues without bound whatever a client sends, so only this keeps memory small. Both counters are totals since the
socket opened, so a lost or repeated message can't make the two sides disagree.
"""

from __future__ import annotations


class Window:
    """The server's side. `limit` is in bytes of whole binary frames, headers included."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._settled = 0

    @property
    def granted(self) -> int:
        """The total that the client may have sent."""
        return self._settled + self.limit

    def spend(self, size: int) -> bool:
        """A frame has arrived; False if it was more than was granted."""
        self.used += size
        return self.used <= self.granted

    def settle(self, size: int) -> None:
        """Bytes of earlier frames have been written, or dropped: they may be followed by as many."""
        self._settled += size
