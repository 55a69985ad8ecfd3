"""Turns at credit: when many send at once, only a few do at a time.

If two hundred could send at any moment, a click would wait behind what all of them had just sent. So credit goes to
those whose turn it is. Once somebody waits, a turn ends when a share of bytes has arrived or its time is up, whichever
is first: a fast sender gives way after its share, and a slow one keeps the credit it has. While nobody waits, turns
don't end, and a lone sender notices nothing.

Slow senders bring little in their turns, and hundreds of them would wait for a server that has nothing to do. So what
turns at a share each would bring, and these don't, goes to others, beyond the places.

Nothing here knows of sockets, clocks or timers. Every method that can begin turns returns whose turns began.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")  # hashable

SHARE: Final = 1024 * 1024  # bytes of a turn
SECONDS: Final = 0.1


@dataclass(slots=True)
class _Turn:
    """`left` of its share, and `paid` of what is accounted for already, in bytes."""

    ends: float
    left: int
    paid: int


class Admission(Generic[T]):
    """`places` is how many turns there are at a time; 0 is no limit. Times are seconds of one clock.

    `grant` is the credit that a turn begins with, in bytes; 0 keeps all to the places.
    """

    def __init__(self, places: int, share: int = SHARE, seconds: float = SECONDS) -> None:
        self.places, self.grant = places, 0
        self._share, self._seconds = share, seconds
        self._spare = 0.0  # bytes that others may bring beyond the places
        self._counted = math.inf  # until when that was counted
        self._turns: dict[T, _Turn] = {}  # the oldest first
        self._waiting: dict[T, None] = {}  # in the order in which they asked

    @property
    def is_crowded(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    @property
    def next_end(self) -> float | None:
        """When `advance` must be called, if nothing else happens before."""
        if not self._waiting or not self._turns:
            return None
        end = min(turn.ends for turn in self._turns.values())
        return min(end, self._next_spare) if self.grant and self.places else end

    @property
    def members(self) -> int:
        """How many have their turn or wait for it."""
        return len(self._turns) + len(self._waiting)

    @property
    def turns(self) -> int:
        """How many have their turn now."""
        return len(self._turns)

    def has_turn(self, member: T) -> bool:
        return member in self._turns

    def left(self, member: T) -> int:
        """Bytes of its share that have yet to arrive in the member's turn."""
        turn = self._turns.get(member)
        return max(0, turn.left) if turn is not None else 0

    def ask(self, member: T, now: float) -> list[T]:
        """The member could use credit: its turn begins, continues or will come."""
        if member not in self._turns:
            self._waiting.setdefault(member)
        return self.advance(now)

    def arrived(self, member: T, size: int, now: float) -> list[T]:
        """`size` bytes of the member's credit have been used."""
        turn = self._turns.get(member)
        if turn is not None:
            turn.left -= size
            turn.paid -= size
            if turn.paid < 0:
                self._spend(-turn.paid)
                turn.paid = 0
        return self.advance(now)

    def leave(self, member: T, now: float) -> list[T]:
        """The member is gone."""
        self._waiting.pop(member, None)
        self._turns.pop(member, None)
        return self.advance(now)

    def advance(self, now: float) -> list[T]:
        """Begins turns for those who wait, ending turns that are over."""
        begun: list[T] = []
        while self._waiting and self._has_place(now):
            member = next(iter(self._waiting))
            del self._waiting[member]
            self._turns[member] = _Turn(now + self._seconds, self._share, self.grant)
            self._spend(self.grant)
            begun.append(member)
        return begun

    def _has_place(self, now: float) -> bool:
        if not self.places:
            return True
        while len(self._turns) >= self.places:
            over = next((member for member, turn in self._turns.items() if turn.left <= 0 or turn.ends <= now), None)
            if over is None:
                return self._has_spare(now)
            del self._turns[over]
        return True

    # What turns of a share each leave
    @property
    def _pace(self) -> float:
        """Bytes a second."""
        return self.places * self._share / self._seconds

    @property
    def _next_spare(self) -> float:
        return self._counted + max(0.0, self.grant - self._spare) / self._pace

    def _has_spare(self, now: float) -> bool:
        if not self.grant:
            return False
        more = max(0.0, now - self._counted) * self._pace
        self._counted, self._spare = now, min(self._spare + more, max(self._share, self.grant))
        return self._spare >= self.grant

    def _spend(self, size: int) -> None:
        self._spare = max(self._spare - size, -self.places * self._share)
