"""How many uploads at a time a fleet carries, without running one: `python -m bench.simulation [uploads …]`.

Two queues are simulated, both by the site's own rules:

- visitors who send on their pages' sockets to one web process, which has so many bytes a second to give: whose turn it
  is to get credit (uploads.core.admission, uploads.socket.credit_turns), over lines of a rate and a delay;
- films that wait for workers: whose is next (liveview.jobs.contract).

What they predict is held against what was measured (bench/results.json), in bench/tests/test_simulation.py. The tables
of docs/scaling.md come from here.
"""

from __future__ import annotations

import heapq
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final

from liveview.jobs.contract import tag
from uploads.core.admission import Admission
from uploads.socket.credit_turns import BACKLOG, LATE, LEAST, SLACK, TOTAL
from uploads.socket.receiver import FLOOR

MB: Final = 1_000_000
STEP: Final = 0.002  # seconds
PIECE: Final = 65_536  # bytes that are read of a socket at a time
PLACES: Final = 8  # UPLOADS["SENDERS"]
WINDOW: Final = 4 * 2**20  # bytes, as on short links: uploads.core.credit.LEAST


@dataclass(eq=False, slots=True)
class Visitor:
    """Sends without end over a line of `rate` bytes a second. Bytes: `credit` that is left, `pending` at the server."""

    rate: float
    credit: float = FLOOR
    pending: float = 0.0
    granted: deque[tuple[float, float]] = field(default_factory=deque)  # when it hears of how much more


@dataclass(frozen=True, slots=True)
class Carried:
    """speed: bytes a second of all. wait: seconds that a click waited behind bytes, in nineteen of twenty moments."""

    speed: float
    wait: float


def carry(count: int, rate: float, capacity: float, *, delay: float = 0.05, seconds: float = 3.0) -> Carried:
    """So many visitors send to one process that deals with `capacity` bytes a second. `delay` is a round trip.

    The process reads a piece of each socket that has some, in turn; a click is read in between.
    """
    turns: Admission[Visitor] = Admission(PLACES)
    visitors = [Visitor(rate) for _ in range(count)]
    ready: deque[Visitor] = deque()
    queued = done = 0.0
    waits: list[float] = []
    now = 0.0

    def fair() -> float:
        return max(LEAST, TOTAL // max(1, turns.members))

    def grant(visitor: Visitor) -> None:
        if turns.is_crowded:
            most = min(WINDOW, min(fair(), turns.left(visitor)) + SLACK)
        else:
            most = min(WINDOW, max(2**20, TOTAL // max(1, turns.turns)))
        has = visitor.credit + sum(more for _, more in visitor.granted)
        if most > has:
            visitor.granted.append((now + delay, most - has))

    def ask(visitor: Visitor) -> None:
        turns.grant = 0 if queued > min(BACKLOG, capacity * LATE) else int(fair()) + SLACK
        if turns.has_turn(visitor):
            grant(visitor)
        elif visitor.credit + sum(more for _, more in visitor.granted) < max(SLACK, fair() // 2):
            begin(turns.ask(visitor, now))

    def begin(begun: Sequence[Visitor]) -> None:
        for visitor in begun:
            grant(visitor)

    for visitor in visitors:
        ask(visitor)
    while now < seconds:
        now += STEP
        for visitor in visitors:
            while visitor.granted and visitor.granted[0][0] <= now:
                visitor.credit += visitor.granted.popleft()[1]
            size = min(visitor.credit, visitor.rate * STEP)
            if size > 0:
                if not visitor.pending:
                    ready.append(visitor)
                visitor.credit -= size
                visitor.pending += size
                queued += size
        waits.append(sum(min(PIECE, visitor.pending) for visitor in ready) / capacity)
        left = capacity * STEP
        while ready and left > 0:
            visitor = ready.popleft()
            dealt = min(PIECE, visitor.pending, left)
            visitor.pending -= dealt
            left, queued, done = left - dealt, queued - dealt, done + dealt
            if visitor.pending:
                ready.append(visitor)
            begin(turns.arrived(visitor, int(dealt), now))
            ask(visitor)
        begin(turns.advance(now))
    return Carried(done / seconds, quantiles(waits, n=20)[-1])


def queue_for(workers: int, arrivals: Sequence[tuple[float, str, float]], speed: float) -> dict[str, list[float]]:
    """Seconds that each film of each visitor waited before a worker began it.

    arrivals: when it came, whose it is, and its cost; in their order. speed: of that cost a worker does in a second.
    """
    waits: dict[str, list[float]] = {}
    waiting: list[tuple[float, float, int, str, float]] = []
    last: dict[str, float] = {}
    busy: set[str] = set()
    running: list[tuple[float, str]] = []
    clock, coming, now = 0.0, deque(enumerate(arrivals)), 0.0
    while coming or waiting or running:
        due = [each for each in waiting if each[3] not in busy]
        if due and len(running) < workers:
            job = min(due)
            waiting.remove(job)
            clock, came, _number, whose, cost = job
            waits.setdefault(whose, []).append(now - came)
            busy.add(whose)
            heapq.heappush(running, (now + cost / speed, whose))
            continue
        if coming and (not running or coming[0][1][0] <= running[0][0]):
            number, (now, whose, cost) = coming.popleft()
            last[whose] = tag(clock, last.get(whose), cost)
            waiting.append((last[whose], now, number, whose, cost))
        else:
            now, whose = heapq.heappop(running)
            busy.discard(whose)
    return waits


def main(counts: Sequence[int]) -> None:
    print("| uploads | of MB/s | processes | MB/s in all | of what the lines have | a click waits |")
    print("|---|---|---|---|---|---|")
    for count in counts:
        for rate in (0.25 * MB, 1.25 * MB, 12.5 * MB):
            processes = max(1, -(-count // 500))
            got = carry(-(-count // processes), rate, 250 * MB)
            speed, share = got.speed * processes / MB, got.speed * processes / (count * rate)
            print(f"| {count} | {rate / MB:g} | {processes} | {speed:.0f} | {share:.0%} | {got.wait * 1000:.0f} ms |")


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [100, 1000, 10_000])
