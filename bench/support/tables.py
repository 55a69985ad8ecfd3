"""Rounds in which each variant is measured in turn, and the table of what came out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Final, Generic, TypeVar

T = TypeVar("T")

ROUNDS: Final = 3


class Rounds(Generic[T]):
    """What each variant measured, round by round."""

    def __init__(self, samples: Mapping[str, list[T]]) -> None:
        self.samples = samples

    def median(self, name: str, number: Callable[[T], float]) -> float:
        return median(map(number, self.samples[name]))

    def ratio(self, ours: str, peer: str, number: Callable[[T], float]) -> float:
        """The median of the rounds' own ratios: what slows a round down slows both."""
        pairs = zip(self.samples[ours], self.samples[peer], strict=True)
        return median(number(our) / number(its) for our, its in pairs)

    def most(self, name: str, number: Callable[[T], float]) -> float:
        return max(map(number, self.samples[name]))


def interleave(variants: Mapping[str, Callable[[], T]], rounds: int = ROUNDS) -> Rounds[T]:
    """A B C, A B C, …; progress goes to standard error."""
    samples: dict[str, list[T]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, measure in variants.items():
            samples[name].append(measure())
            print(f"round {number + 1}, {name}: {samples[name][-1]}", file=sys.stderr, flush=True)
    return Rounds(samples)


class Table:
    """Rows are printed at the end, together."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, ...]] = []

    def at_least(self, what: str, ours: str, peer: str, value: float, bar: float, unit: str = " ×") -> None:
        self._add(what, ours, peer, value, f"≥ {bar:g}{unit}", value >= bar, unit)

    def at_most(self, what: str, ours: str, peer: str, value: float, bar: float, unit: str = " ×") -> None:
        self._add(what, ours, peer, value, f"≤ {bar:g}{unit}", value <= bar, unit)

    def note(self, what: str, ours: str, peer: str = "") -> None:
        """A row without a bar."""
        self._rows.append((what, ours, peer, "", "", ""))

    def _add(self, what: str, ours: str, peer: str, value: float, bar: str, reached: bool, unit: str) -> None:
        digits = f"{value:.0f}" if abs(value) >= 30 else f"{value:.2f}"
        self._rows.append((what, ours, peer, f"{digits}{unit}", bar, "yes" if reached else "**no**"))

    def show(self) -> None:
        print(_line(("what", "ours", "peer", "ratio or value", "bar", "reached")))
        print("|---|---|---|---|---|---|")
        for row in self._rows:
            print(_line(row))
        one, five, _ = os.getloadavg()
        print(
            f"\nLoad of the machine at the end, of {os.cpu_count()} processors: {one:.1f}, {five:.1f} over 5 minutes."
        )
        sys.stdout.flush()


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
