"""Rounds in which each variant is measured in turn, and the figures that come out."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Generic, NamedTuple, TypedDict, TypeVar

T = TypeVar("T")

ROUNDS: Final = 3


class Scale(NamedTuple):
    """How much is measured: all of it, or so little that it only shows that a bench still runs."""

    is_full: bool = True

    def of(self, full: T, smoke: T) -> T:
        return full if self.is_full else smoke

    @property
    def rounds(self) -> int:
        return self.of(ROUNDS, 1)


class Rounds(Generic[T]):
    """What each variant measured, round by round."""

    def __init__(self, samples: Mapping[str, list[T]]) -> None:
        self.samples = samples

    def each(self, name: str, number: Callable[[T], float]) -> list[float]:
        return [number(sample) for sample in self.samples[name]]

    def median(self, name: str, number: Callable[[T], float]) -> float:
        return median(self.each(name, number))

    def ratios(self, ours: str, peer: str, number: Callable[[T], float]) -> list[float]:
        """Of each round: what slows a round down slows both. NaN where the peer's is too small to be measured."""
        return [
            our / its if its else math.nan
            for our, its in zip(self.each(ours, number), self.each(peer, number), strict=True)
        ]


def interleave(variants: Mapping[str, Callable[[], T]], rounds: int = ROUNDS) -> Rounds[T]:
    """A B C, A B C, …; progress goes to standard error."""
    samples: dict[str, list[T]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, measure in variants.items():
            samples[name].append(measure())
            print(f"round {number + 1}, {name}: {samples[name][-1]}", file=sys.stderr, flush=True)
    return Rounds(samples)


@dataclass(frozen=True)
class Figure:
    """A line of the results.

    value: the median of the rounds, or what the bar is about (the most, the least); None if it isn't one number.
    low, high: of the rounds.
    bar: what `value` has to reach, such as "≥ 0.5"; empty for a figure without one.
    """

    what: str
    ours: str
    peer: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    bar: str = ""
    reached: bool | None = None

    def row(self) -> str:
        reached = "" if self.reached is None else "yes" if self.reached else "**no**"
        value = spread = ""
        if self.value is not None and self.low is not None and self.high is not None:
            value = f"{_short(self.value)}{self.unit}"
            spread = f"{_short(self.low)}–{_short(self.high)}" if self.low < self.high else ""
        return f"| {' | '.join((self.what, self.ours, self.peer, value, spread, self.bar, reached))} |"


class Sides(TypedDict):
    """What a figure was made of, as it is shown."""

    ours: str
    peer: str


@dataclass
class Table:
    """The figures of one bench."""

    figures: list[Figure] = field(default_factory=list)

    def at_least(
        self,
        what: str,
        values: Sequence[float],
        bar: float,
        unit: str = " ×",
        *,
        ours: str = "",
        peer: str = "",
        of: Callable[[Sequence[float]], float] = median,
    ) -> None:
        """values: of each round. of: which of them has to reach the bar."""
        self._add(what, values, f"≥ {bar:g}{unit}", of(values) >= bar, unit, ours, peer, of)

    def at_most(
        self,
        what: str,
        values: Sequence[float],
        bar: float,
        unit: str = " ×",
        *,
        ours: str = "",
        peer: str = "",
        of: Callable[[Sequence[float]], float] = median,
    ) -> None:
        self._add(what, values, f"≤ {bar:g}{unit}", of(values) <= bar, unit, ours, peer, of)

    def note(self, what: str, ours: str, peer: str = "", values: Sequence[float] = (), unit: str = " ×") -> None:
        """Without a bar."""
        if values:
            self._add(what, values, "", None, unit, ours, peer, median)
        else:
            self.figures.append(Figure(what, ours, peer))

    def _add(
        self,
        what: str,
        values: Sequence[float],
        bar: str,
        reached: bool | None,
        unit: str,
        ours: str,
        peer: str,
        of: Callable[[Sequence[float]], float],
    ) -> None:
        self.figures.append(Figure(what, ours, peer, of(values), min(values), max(values), unit, bar, reached))


HEAD: Final = "| what | ours | beside it | value | spread | bar | reached |\n|---|---|---|---|---|---|---|"


def lines(figures: Sequence[Figure]) -> Iterator[str]:
    """A table in Markdown."""
    yield HEAD
    for figure in figures:
        yield figure.row()


def _short(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 30 else f"{number:.2f}"
