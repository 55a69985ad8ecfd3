"""The sockets of this process that send, with a clock and a timer for `uploads.core.admission`."""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from liveview.process import here
from uploads.conf import conf
from uploads.core.admission import SHARE, Admission
from uploads.core.credit import Frames

TOTAL: Final = 32 * 1024 * 1024  # bytes that all senders may have in transit
LEAST: Final = 128 * 1024  # bytes that a turn brings, however many senders there are
SLACK: Final = 64 * 1024  # bytes beyond a share, so that the last frame of a turn need not be tiny
BACKLOG: Final = 4 * 1024 * 1024  # bytes that wait to be written from which on nobody gets credit beyond the places
LATE: Final = 0.02  # seconds by which the event loop may be late, likewise


class Sender(Protocol):
    """One socket. Compared by identity."""

    def admitted(self) -> None:
        """Its turn has begun: it may be granted credit. Must not raise."""


class Senders:
    """The senders of one event loop, to be used on it."""

    def __init__(self) -> None:
        self._admission: Admission[Sender] = Admission(conf().senders)
        self._timer: asyncio.TimerHandle | None = None
        self._unsettled = 0
        self._is_late = False
        self._frames = Frames(time.thread_time(), time.monotonic())

    def configure(self) -> None:
        self._admission.places = conf().senders

    def allowance(self, sender: Sender, window: int, unsettled: int) -> int:
        """Bytes that a sender may have in transit in its turn, of the `window` it would have alone.

        While others wait, that is the rest of its share, not renewed for what has arrived: otherwise everyone would
        keep a share of credit after its turn, and all would send at any moment.
        """
        if self._admission.is_crowded:
            return min(window, unsettled + min(self._fair, self._admission.left(sender)) + SLACK)
        return min(window, max(SHARE, TOTAL // max(1, self._admission.turns)))

    @property
    def enough(self) -> int:
        """Bytes of unused credit with which a sender needn't ask for more: a slow one would take turns for nothing."""
        return max(SLACK, self._fair // 2)

    @property
    def _fair(self) -> int:
        return max(LEAST, TOTAL // max(1, self._admission.members))

    @property
    def min_frame(self) -> int:
        """Bytes that a frame should have; 0 if the loop has time for short ones."""
        return self._frames.least

    def has_turn(self, sender: Sender) -> bool:
        return self._admission.has_turn(sender)

    def ask(self, sender: Sender) -> None:
        """The sender could use credit: it is `admitted`, now or later, unless it has its turn."""
        self._admission.grant = self._beyond_places
        self._begin(self._admission.ask(sender, time.monotonic()))

    def arrived(self, sender: Sender, size: int) -> None:
        self._unsettled += size
        now = time.monotonic()
        if self._frames.is_due(now):
            self._frames.look(time.thread_time(), now)
        self._begin(self._admission.arrived(sender, size, now))

    def settled(self, size: int) -> None:
        """So much of what has arrived is written, or dropped."""
        self._unsettled -= size

    @property
    def _beyond_places(self) -> int:
        """Bytes of a turn that fills what slow senders leave; none if the server is what they wait for."""
        return 0 if self._is_late or self._unsettled > BACKLOG else self._fair + SLACK

    def leave(self, sender: Sender) -> None:
        self._begin(self._admission.leave(sender, time.monotonic()))

    def _begin(self, begun: list[Sender]) -> None:
        for sender in begun:
            sender.admitted()
        end = self._admission.next_end
        if end is not None and self._timer is None:
            loop = asyncio.get_running_loop()
            due = loop.time() + max(0.0, end - time.monotonic())
            self._timer = loop.call_at(due, self._rang, due)

    def _rang(self, due: float) -> None:
        self._timer = None
        self._is_late = asyncio.get_running_loop().time() > due + LATE
        self._admission.grant = self._beyond_places
        self._begin(self._admission.advance(time.monotonic()))


class _Loops:
    """A process has one event loop, tests have several."""

    def __init__(self) -> None:
        self.senders: WeakKeyDictionary[asyncio.AbstractEventLoop, Senders] = WeakKeyDictionary()


def senders() -> Senders:
    """The senders of the running event loop."""
    loop, known = asyncio.get_running_loop(), here(_Loops).senders
    found = known.get(loop) or known.setdefault(loop, Senders())
    found.configure()
    return found
