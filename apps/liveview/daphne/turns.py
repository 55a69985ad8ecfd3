"""Whose turn it is among the connections that cost the event loop more than its share: `liveview.core.time_budget`.

One at a time, whoever will have paid off first, or has waited for long, with pauses that leave most of the loop's time
to everybody else. So one that has taken much waits for one that has taken little, and a thousand of them together take
no more than a quarter. Every other turn is for who begins, a request or a handshake: they don't wait for all who are at
it already.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

from liveview.core.time_budget import PIECE, SLICE, TimeBudget
from liveview.process import here

REMEMBERED: Final = 8  # turns, roughly
AGING: Final = 5.0  # seconds of paying off that a second of waiting is worth
LONGEST: Final = 0.1  # seconds of a turn that count: more is the machine's doing, and nobody's
PAUSE: Final = 3  # how many times as long as a turn the pause after it is

T = TypeVar("T")


Pause: TypeAlias = Callable[[], float]
"""How many times as long as a turn the pause after it is to be."""


class Chargeable(Protocol):
    def charge(self, seconds: float, size: int = 0, kept: float = 0.0, pieces: int = 0) -> None:
        """As of a `TimeBudget`."""


class _Asked(NamedTuple):
    budget: TimeBudget
    go_on: Callable[[], None]
    pause: Pause
    begins: bool
    at: float

    @property
    def rank(self) -> float:
        """Whoever has paid off first is first; but nobody waits for ever while there is always another. Of many who
        share a budget none has waited for longer than since the last turn of one of them."""
        return self.budget.due + AGING * max(self.at, self.budget.turned_at)


class Turns:
    """Those of this process, on its event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Asked] = []
        self._last: tuple[TimeBudget, float, Pause] | None = None  # the last turn's, and how long they had kept others
        self._free_at = 0.0  # when the next turn may begin, on the monotonic clock
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._has_begun = False  # whether the last turn was for who begins
        self.late = 0.0  # seconds by which turns begin later than they should, as others keep the loop or the processor

    def ask(
        self, budget: TimeBudget, go_on: Callable[[], None], pause: Pause = lambda: PAUSE, *, begins: bool = False
    ) -> None:
        """`go_on` is called when it is the turn of that connection, never before this returns.

        begins: it is about a request, or a handshake, and not about more of one.
        """
        self._waiting.append(_Asked(budget, go_on, pause, begins, time.monotonic()))
        self._arrange()

    def forget(self, go_on: Callable[[], None]) -> None:
        """Who asked doesn't want to any more."""
        self._waiting = [asked for asked in self._waiting if asked.go_on is not go_on]

    def _arrange(self) -> None:
        if self._waiting and self._timer is None:
            self._due = max(self._free_at, time.monotonic())
            later = self._due - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(later, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self.late += (time.monotonic() - self._due - self.late) / REMEMBERED
        if self._last is not None:
            budget, before, pause = self._last
            self._last = None
            over = budget.kept - before - SLICE  # a message may take longer, and so may a busy machine
            self.delay(min(max(0.0, over), LONGEST), pause())
        if not self._waiting or self._free_at > time.monotonic() + SLICE:
            self._arrange()
            return
        others = [asked for asked in self._waiting if asked.begins != self._has_begun]
        next_ = min(others or self._waiting, key=lambda asked: asked.rank)
        self._waiting.remove(next_)
        budget, go_on, pause, self._has_begun, _ = next_
        self._last = budget, budget.kept, pause
        times = pause()
        self._free_at = time.monotonic() + (SLICE * (1 + times) if times else 0.0)
        budget.begin_turn()
        self._arrange()
        go_on()

    def delay(self, seconds: float, pause: float) -> None:
        """A turn has taken so much more than it should: so much longer is the pause."""
        self._free_at = max(self._free_at, time.monotonic()) + seconds * pause


async def turn(budget: TimeBudget, *, always: bool = False) -> None:
    """Returns when that connection may go on. `always`: it takes a turn also if it needn't."""
    if always or budget.needs_turn:
        begun = asyncio.get_running_loop().create_future()
        here(Turns).ask(budget, lambda: None if begun.done() else begun.set_result(None))
        await begun


class Metered(Coroutine[Any, Any, T]):
    """An application whose time on the loop is charged. For `asyncio.ensure_future`."""

    def __init__(self, inner: Coroutine[Any, Any, T], *budgets: Chargeable) -> None:
        self._inner, self._budgets = inner, budgets
        self._began = self._since = 0.0
        self._size = self._pieces = 0

    def send(self, value: Any) -> Any:
        self._began, self._since = time.thread_time(), time.monotonic()
        try:
            return self._inner.send(value)
        finally:
            self.settle()

    def settle(self) -> None:
        """Charges what it has taken since it was last resumed: it may take message after message without waiting."""
        used, now = time.thread_time(), time.monotonic()
        for budget in self._budgets:
            budget.charge(used - self._began, self._size, now - self._since, self._pieces)
        self._began, self._since, self._size, self._pieces = used, now, 0, 0

    def given(self, size: int) -> None:
        """It is about to get so many bytes of a file, which may cost something."""
        self._size += size
        self._pieces += size >= PIECE

    def throw(
        self,
        kind: Any,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        return self._inner.throw(kind) if value is None else self._inner.throw(kind, value, traceback)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._inner.__await__()
