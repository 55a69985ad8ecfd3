"""What a page's handlers have begun and state can't hold: subscriptions, timers, background work.

It is kept with the state, and taken up again when the page comes back on another socket. What `mount` begins isn't
kept: `mount` runs again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Timer:
    """A call of the view's method `name` that is due at `due`, in seconds since the epoch."""

    key: int
    due: float
    name: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attachments:
    """topics: joined by handlers; left: topics of `mount` that handlers have left; works: names of what runs."""

    topics: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    timers: tuple[Timer, ...] = ()
    works: frozenset[str] = frozenset()

    def joined(self, topic: str) -> Attachments:
        return replace(self, topics=self.topics | {topic}, left=self.left - {topic})

    def parted(self, topic: str) -> Attachments:
        if topic in self.topics:
            return replace(self, topics=self.topics - {topic})
        return replace(self, left=self.left | {topic})

    def timed(self, timer: Timer) -> Attachments:
        return replace(self, timers=(*self.timers, timer))

    def rung(self, key: int) -> Attachments:
        return replace(self, timers=tuple(timer for timer in self.timers if timer.key != key))

    def started(self, work: str) -> Attachments:
        return replace(self, works=self.works | {work})

    def ended(self, work: str) -> Attachments:
        return replace(self, works=self.works - {work})

    def packed(self) -> dict[str, Any]:
        """As plain data."""
        timers = [[timer.due, timer.name, timer.params] for timer in self.timers]
        return {
            "topics": sorted(self.topics),
            "left": sorted(self.left),
            "timers": timers,
            "works": sorted(self.works),
        }


def unpacked(kept: Any) -> Attachments:
    """What `packed` made; anything else is nothing.

    The timers have keys of their own, from -1 down, which no new one has.
    """
    match kept:
        case {"topics": list(topics), "left": list(left), "timers": list(timers), "works": list(works)}:
            found = (_timer(-number, timer) for number, timer in enumerate(timers, 1))
            return Attachments(_names(topics), _names(left), tuple(filter(None, found)), _names(works))
    return Attachments()


def _timer(key: int, kept: Any) -> Timer | None:
    match kept:
        case [int() | float() as due, str(name), dict(params)]:
            return Timer(key, due, name, params)
    return None


def _names(kept: list[Any]) -> frozenset[str]:
    return frozenset(name for name in kept if isinstance(name, str))
