"""Whose job gets the next child: shared fairly among senders by the time that their jobs take.

Who has used least is first, and a short job before a long one; waiting counts for both. One child is kept for small
jobs, so that an avatar never waits for somebody's animation. What fails after a long time counts twice, and for
everybody at the same address: who sends such things gets their next turn last, whatever they call themselves.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from uploads.errors import UploadError

SMALL: Final = 2.0  # seconds that a job is expected to take at most to be a small one
HALF_LIFE: Final = 60.0  # seconds in which half of what somebody has used is forgotten
REMEMBERED: Final = 10_000  # senders
AGING: Final = 0.5  # seconds of use that a second of waiting makes up for


@dataclass(frozen=True, slots=True)
class Sender:
    """`visitor` is whose share it is; `network` where they are. Either may be empty."""

    visitor: str = ""
    network: str = ""


_NOBODY: Final = Sender()
_sender: ContextVar[Sender] = ContextVar("sender", default=_NOBODY)


@contextlib.contextmanager
def acting_for(sender: Sender) -> Iterator[None]:
    """Jobs that this thread gives to a sandbox are that sender's."""
    token = _sender.set(sender)
    try:
        yield
    finally:
        _sender.reset(token)


@dataclass(eq=False, slots=True)
class _Ticket:
    sender: Sender
    seconds: float
    since: float
    begun: threading.Event = field(default_factory=threading.Event)

    @property
    def is_small(self) -> bool:
        return self.seconds <= SMALL


class Turns:
    """Any thread may ask. `places` is how many jobs run at a time; the last free one is for small jobs."""

    def __init__(self, places: int, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._places, self._patience, self._clock = places, patience, clock
        self._waiting: list[_Ticket] = []
        self._running: list[_Ticket] = []
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()  # seconds, and when that was counted
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Waits for it; `seconds` is what the job is expected to take. Raises `UploadError("busy")` in the end."""
        ticket = _Ticket(_sender.get(), seconds, self._clock())
        with self._lock:
            self._waiting.append(ticket)
            self._begin()
        if not ticket.begun.wait(self._patience):
            with self._lock:
                if not ticket.begun.is_set():
                    self._waiting.remove(ticket)
                    raise UploadError("busy")
        began, has_failed = self._clock(), True
        try:
            yield
            has_failed = False
        finally:
            with self._lock:
                self._running.remove(ticket)
                self._count(ticket, self._clock() - began, has_failed=has_failed)
                self._begin()

    def _begin(self) -> None:
        now = self._clock()
        for ticket in sorted(self._waiting, key=lambda ticket: self._rank(ticket, now)):
            large = sum(not other.is_small for other in self._running)
            if len(self._running) < self._places and (ticket.is_small or large < max(1, self._places - 1)):
                self._waiting.remove(ticket)
                self._running.append(ticket)
                ticket.begun.set()

    def _rank(self, ticket: _Ticket, now: float) -> float:
        running = sum(other.seconds for other in self._running if other.sender == ticket.sender)
        used = self._of(ticket.sender.visitor, now) + self._of(f"network {ticket.sender.network}", now) + running
        return used + ticket.seconds - AGING * (now - ticket.since)

    def _of(self, key: str, now: float) -> float:
        used, at = self._used.get(key, (0.0, now))
        return float(used * 0.5 ** ((now - at) / HALF_LIFE))

    def _count(self, ticket: _Ticket, seconds: float, *, has_failed: bool) -> None:
        now = self._clock()
        counted = {ticket.sender.visitor: seconds}
        if has_failed and seconds > SMALL / 2:
            counted[ticket.sender.visitor] *= 2
            if ticket.sender.network:
                counted[f"network {ticket.sender.network}"] = seconds
        for key, more in counted.items():
            self._used[key] = self._of(key, now) + more, now
            self._used.move_to_end(key)
        while len(self._used) > REMEMBERED:
            self._used.popitem(last=False)
