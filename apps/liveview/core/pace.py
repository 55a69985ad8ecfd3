"""How slowly the body of a request may arrive: what counts is progress, in a while and on the whole.

Both are seconds of patience, which bytes buy back: who sends faster than the rate has all of them again before long.
So a body of so many bytes has a longest time, and a phone in a tunnel has a few minutes.
"""

from __future__ import annotations

from typing import NamedTuple


class Rates(NamedTuple):
    """Bytes a second, and the seconds that one may be slower."""

    least: float
    period: float
    mean: float
    grace: float


class Pace:
    """Whether a sender is too slow, judged once in each period. One in which it waited for us doesn't count."""

    def __init__(self, rates: Rates) -> None:
        self.period = rates.period
        self._rates, self._left = rates, rates.grace
        self._received = 0
        self._has_waited = False

    def received(self, size: int) -> None:
        self._received += size

    def had_to_wait(self) -> None:
        self._has_waited = True

    def is_too_slow(self, *, waits_now: bool) -> bool:
        """The judgement on the period that ends now; the next one begins."""
        received, counts = self._received, not self._has_waited
        self._received, self._has_waited = 0, waits_now
        self._left = _bought(self._left - self.period * counts, received, self._rates.mean, self._rates.grace)
        return counts and (received < self._rates.least * self.period or self._left <= 0)


class Patience:
    """How long to wait for the next piece of a body, for callers that only see pieces."""

    def __init__(self, rates: Rates) -> None:
        self._rates, self._while, self._whole = rates, rates.period, rates.grace

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, min(self._while, self._whole))

    def came(self, size: int, waited: float) -> None:
        """A piece of so many bytes, for which we have waited so many seconds."""
        self._while = _bought(self._while - waited, size, self._rates.least, self._rates.period)
        self._whole = _bought(self._whole - waited, size, self._rates.mean, self._rates.grace)


def _bought(left: float, size: int, rate: float, most: float) -> float:
    return min(most, left + size / rate) if rate > 0 else most
