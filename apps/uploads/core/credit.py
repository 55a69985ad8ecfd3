"""Credit: how many bytes one socket may send before the server has dealt with the earlier ones.

Daphne queues whatever a client sends, without limit, so only this keeps memory small. All counters are totals since the
socket opened, so a lost or repeated message can't make the two sides disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LEAST: Final = 2 * 1024 * 1024  # bytes of a window on a short link

LOOK_EVERY: Final = 0.1  # seconds
BUSY: Final = 0.5  # of a loop's time, from which on frames are to be longer
IDLE: Final = 0.25  # of it, below which they may be shorter again
FRAMES: Final = (8 * 1024, 128 * 1024)  # bytes: of the shortest frames that are asked for, and of the longest


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


@dataclass(frozen=True, slots=True)
class _Grant:
    before: int
    used: int
    at: float


class Reach:
    """How wide a window its link needs: twice what that holds, which is its rate times its shortest round trip.

    A round trip is the time from a grant until the first byte comes that only it allowed. A client that doesn't need
    the credit takes longer; so it's the shortest that counts. Times are seconds of one clock, the rest is bytes.
    """

    def __init__(self, most: int, least: int = LEAST) -> None:
        self._most, self._least = most, min(least, most)
        self.limit = self._least
        self._shortest = math.inf
        self._grant: _Grant | None = None

    def granted(self, before: int, used: int, now: float) -> None:
        """More than `before` may be sent from now on; `used` has arrived."""
        if self._grant is None:
            self._grant = _Grant(before, used, now)

    def arrived(self, used: int, now: float) -> None:
        """`used` has arrived by now, in all."""
        grant = self._grant
        if grant is None or used <= grant.before or now <= grant.at:
            return
        self._grant = None
        trip = now - grant.at
        self._shortest = min(self._shortest, trip)
        holds = (used - grant.used) * self._shortest / trip
        self.limit = min(self._most, max(self._least, int(2 * holds)))


class Frames:
    """How long frames are to be at least: as long as `least`, in bytes; 0 leaves it to the clients.

    The slower a client's line, the shorter its frames, or a click would wait behind one. But each costs the event loop
    what a long one does, and hundreds of slow lines would keep it from everybody. So while it is busy, frames are
    longer, and there are fewer of them.
    """

    def __init__(self, used: float, now: float) -> None:
        """`used` is the loop's seconds of the processor so far, `now` those of any clock."""
        self.least = 0
        self._used, self._looked = used, now

    def is_due(self, now: float) -> bool:
        """Whether it is time to look again."""
        return now - self._looked >= LOOK_EVERY

    def look(self, used: float, now: float) -> None:
        """Asks for frames that are twice as long, half as long, or the same."""
        share = (used - self._used) / (now - self._looked)
        self._used, self._looked = used, now
        shortest, longest = FRAMES
        if share > BUSY:
            self.least = min(longest, max(shortest, 2 * self.least))
        elif share < IDLE:
            self.least = self.least // 2 if self.least > shortest else 0
