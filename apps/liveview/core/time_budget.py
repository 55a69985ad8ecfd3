"""How much of the event loop's time one connection may take.

Limits on messages and bytes say little about what they cost: a frame of six bytes, a chunk of one and a list of 32,000
numbers all keep the loop from everybody else. So what a connection's input costs is measured, and charged to it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

RATE: Final = 0.005  # seconds of the loop's time a second that are free
STAYS: Final = 0.05  # the same for whom it is enough to take turns: fifty events a second on a slow machine
FREE: Final = 0.002  # seconds at once, after which a connection has to take turns
SAVED: Final = 0.01  # seconds that bytes may have paid in advance
SLICE: Final = 0.002  # seconds of one turn
PIECE: Final = 1000  # bytes; a slot may ask for chunks of 1024, each of which costs what a large one does,
PER_PIECE: Final = 4e-4  # seconds; whoever sends those takes turns, and needn't go
PER_BYTE: Final = 8e-9  # seconds that a byte may cost: large frames take a tenth of it, so uploads owe nothing


class TimeBudget:
    """Of one connection. What is owed is paid off by waiting, at `RATE`: whoever owes something takes turns.

    most: seconds that may be owed if they were paid off at `STAYS`. Turns keep the others safe from whoever takes
        little; only who always takes more has to go.
    rate: what is free, if not `RATE`.
    """

    def __init__(self, most: float, clock: Callable[[], float] = time.monotonic, *, rate: float = RATE) -> None:
        self._most, self._clock, self._rate = most, clock, rate
        self._owed = self._excess = 0.0
        self._at = clock()
        self._slice = 0.0
        self.kept = 0.0
        self.turned_at = -math.inf  # when its last turn began

    @property
    def owed(self) -> float:
        """Seconds; negative for one whose bytes have cost less than they might."""
        self._pay_off()
        return self._owed

    @property
    def due(self) -> float:
        """Seconds until nothing is owed any more, if nothing is added."""
        return self.owed / self._rate

    def charge(self, seconds: float, size: int = 0, kept: float = 0.0, pieces: int = 0) -> None:
        """Seconds of processor time that so many bytes of input have cost, in so many pieces of files.

        kept: seconds for which others were kept from the loop meanwhile, as the processor may be shared.
        """
        self.kept += max(kept, seconds)
        self.owe(seconds - size * PER_BYTE, pieces * PER_PIECE)

    def owe(self, cost: float, excused: float = 0.0) -> None:
        """So many seconds more, which may have been a thread's: they kept nobody from the loop.

        excused: seconds of it for which nobody has to go.
        """
        self._pay_off()
        self._owed = max(-SAVED, self._owed + cost)
        self._excess = max(0.0, self._excess + cost - excused)
        self._slice -= max(0.0, cost)

    @property
    def needs_turn(self) -> bool:
        """Whether it has to wait until it is its turn."""
        return self._slice <= 0 and self.owed > FREE

    @property
    def is_exhausted(self) -> bool:
        """Whether it has to go."""
        self._pay_off()
        return self._excess > self._most

    def begin_turn(self) -> None:
        self._slice, self.turned_at = SLICE, self._clock()

    def _pay_off(self) -> None:
        now = self._clock()
        since, self._at = now - self._at, now
        if self._owed > 0:
            self._owed = max(0.0, self._owed - since * self._rate)
        self._excess = max(0.0, self._excess - since * STAYS)
