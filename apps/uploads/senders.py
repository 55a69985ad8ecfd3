"""The sockets of this process that send, with a clock and a timer for `uploads.admission`."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol
from weakref import WeakKeyDictionary

from uploads.admission import SHARE, Admission
from uploads.conf import conf


class Sender(Protocol):
    """One socket. Compared by identity."""

    def admitted(self) -> None:
        """Its turn has begun: it may be granted credit. Must not raise."""


class Senders:
    """Those of one event loop, and to be used on it."""

    def __init__(self) -> None:
        self._admission: Admission[Sender] = Admission(conf().senders)
        self._timer: asyncio.TimerHandle | None = None

    def configure(self) -> None:
        self._admission.places = conf().senders

    def allowance(self, window: int) -> int:
        """Bytes that the one whose turn it is may have on their way, of the `window` it would have alone."""
        return min(window, SHARE) if self._admission.is_crowded else window

    def has_turn(self, sender: Sender) -> bool:
        return self._admission.has_turn(sender)

    def ask(self, sender: Sender) -> None:
        """The sender could use credit: it is `admitted`, now or later, unless it has its turn."""
        self._begin(self._admission.ask(sender, time.monotonic()))

    def arrived(self, sender: Sender, size: int) -> None:
        self._begin(self._admission.arrived(sender, size, time.monotonic()))

    def leave(self, sender: Sender) -> None:
        self._begin(self._admission.leave(sender, time.monotonic()))

    def _begin(self, begun: list[Sender]) -> None:
        for sender in begun:
            sender.admitted()
        end = self._admission.next_end
        if end is not None and self._timer is None:
            later = max(0.0, end - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(later, self._rang)

    def _rang(self) -> None:
        self._timer = None
        self._begin(self._admission.advance(time.monotonic()))


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Senders] = WeakKeyDictionary()


def here() -> Senders:
    """Those of the running event loop: a process has one, tests have several."""
    senders = _of_loops.setdefault(asyncio.get_running_loop(), Senders())
    senders.configure()
    return senders
