"""How many sockets the same visitor may have open in this process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


class ConnectionLimit:
    """Counts by key. A process has one of each subclass: `here(PerAddress).enter(address, 20)`."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def enter(self, key: str, most: int) -> Pass | None:
        """None if `most` are open already."""
        if self._open[key] >= most:
            return None
        self._open[key] += 1
        return Pass(self, key)

    def leave(self, key: str) -> None:
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]


@dataclass(frozen=True, slots=True)
class Pass:
    """One open socket."""

    limit: ConnectionLimit
    key: str

    def leave(self) -> None:
        self.limit.leave(self.key)
