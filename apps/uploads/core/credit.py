"""Credit: how many bytes one socket may send before the server has dealt with the earlier ones.

Daphne queues whatever a client sends, without limit, so only this keeps memory small. All counters are totals since the
socket opened, so a lost or repeated message can't make the two sides disagree.
"""

from __future__ import annotations


class Window:
    """The server's side. `limit` is what may be sent to begin with. Bytes count whole frames, headers included."""

    def __init__(self, limit: int) -> None:
        self.used = 0
        self.settled = 0
        self.granted = limit  # the total that the client may have sent

    def spend(self, size: int) -> bool:
        """A frame has arrived; False if it was more than was granted."""
        self.used += size
        return self.used <= self.granted

    def settle(self, size: int) -> None:
        """Bytes of earlier frames have been written, or dropped: as many may be granted again."""
        self.settled += size

    def grant(self, limit: int) -> bool:
        """Allows `limit` bytes to be unsettled, unless more is granted already; whether that changed anything."""
        before, self.granted = self.granted, max(self.granted, self.settled + limit)
        return self.granted > before
