"""How slowly the body of a request may arrive."""

from __future__ import annotations


class Pace:
    """Whether a sender is too slow, judged once in each period. One in which it waited for us doesn't count."""

    def __init__(self, least_rate: float, period: float) -> None:
        """`least_rate` in bytes a second, `period` in seconds."""
        self.period = period
        self._least = least_rate * period
        self._received = 0
        self._has_waited = False

    def received(self, size: int) -> None:
        self._received += size

    def had_to_wait(self) -> None:
        self._has_waited = True

    def is_too_slow(self, *, waits_now: bool) -> bool:
        """The judgement on the period that ends now; the next one begins."""
        too_slow = self._received < self._least and not self._has_waited
        self._received, self._has_waited = 0, waits_now
        return too_slow
