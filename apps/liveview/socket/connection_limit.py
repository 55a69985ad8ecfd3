"""How many of the same are here: sockets of one visitor, in this process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


class Crowd:
    def __init__(self) -> None:
        self._here: Counter[str] = Counter()

    def enter(self, who: str, most: int) -> Pass | None:
        """None if `most` of them are here already."""
        if self._here[who] >= most:
            return None
        self._here[who] += 1
        return Pass(self, who)

    def leave(self, who: str) -> None:
        self._here[who] -= 1
        if not self._here[who]:
            del self._here[who]


@dataclass(frozen=True, slots=True)
class Pass:
    crowd: Crowd
    who: str

    def leave(self) -> None:
        self.crowd.leave(self.who)
