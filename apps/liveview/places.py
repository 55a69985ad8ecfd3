"""Places that all visitors share: who may have one now."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque


class Places:
    """Nobody has more than half of them; otherwise it is first come, first served. For one event loop."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: Counter[str] = Counter()
        self._waiting: deque[tuple[str, asyncio.Future[None]]] = deque()

    async def take(self, whose: str, patience: float = math.inf) -> None:
        """Raises `TimeoutError` if there is none for so many seconds."""
        if self._is_free(whose):
            self._taken[whose] += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((whose, place))
        try:
            async with asyncio.timeout(patience if patience < math.inf else None):
                await place
        except BaseException:
            self._waiting = deque(other for other in self._waiting if other[1] is not place)
            if place.done() and not place.cancelled():  # given, and nobody there to use it
                self.leave(whose)
            raise

    def leave(self, whose: str) -> None:
        self._taken[whose] -= 1
        self._taken += Counter()  # forgets who has none
        for number, (other, place) in enumerate(self._waiting):
            if self._is_free(other) and not place.done():
                del self._waiting[number]
                self._taken[other] += 1
                place.set_result(None)
                return

    def _is_free(self, whose: str) -> bool:
        return self._taken.total() < self._count and self._taken[whose] < self._count // 2
