"""Rate limiters."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Bucket:
    """A token bucket: `rate` a second, `burst` at once. `debt` counts what was refused since the last success."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self.debt = rate, burst, 0
        self._level, self._clock = burst, clock
        self._at = clock()

    def take(self) -> bool:
        self._fill()
        if self._level < 1:
            self.debt += 1
            return False
        self._level -= 1
        self.debt = 0
        return True

    def book(self) -> float:
        """Takes one in any case; after how many seconds its turn comes. For what waits, and isn't refused."""
        self._fill()
        self._level -= 1
        return max(0.0, -self._level / self.rate)

    def _fill(self) -> None:
        now = self._clock()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now


class Strikes:
    """Tells when something has happened `most` times within `per` seconds."""

    def __init__(self, most: int, per: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._times: deque[float] = deque(maxlen=most)
        self._most, self._per, self._clock = most, per, clock

    def add(self) -> bool:
        now = self._clock()
        self._times.append(now)
        return len(self._times) == self._most and now - self._times[0] <= self._per
