"""Pictures that an edit list doesn't show: left out, or hardly there.

Each player follows such a list in its own way, or only its first entry. What we make says the same without one: a
picture that isn't shown is left out or, if others are made from it, takes a moment right before one that is.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from uploads.content.video.info import Edit

_FINE: Final = 90_000  # ticks of a second, of which a picture that isn't shown takes one


class Times(NamedTuple):
    """In ticks: when a picture is shown, when it is decoded, and how long it lasts."""

    pts: int
    dts: int
    duration: int


@dataclass(slots=True)
class Pictures:
    """Those of a track, in the order in which they are decoded; `shown` and `lasting` in ticks."""

    shown: array[int] = field(default_factory=lambda: array("q"))
    lasting: array[int] = field(default_factory=lambda: array("q"))
    is_key: bytearray = field(default_factory=bytearray)
    is_hidden: bytearray = field(default_factory=bytearray)

    def add(self, shown: int, lasting: int, *, is_key: bool, is_hidden: bool) -> None:
        self.shown.append(shown)
        self.lasting.append(lasting)
        self.is_key.append(is_key)
        self.is_hidden.append(is_hidden)

    def groups(self) -> Iterator[range]:
        """From each key frame to the last picture before the next one that is shown; none if none is."""
        start = 0
        for number in range(1, len(self.shown) + 1):
            if number == len(self.shown) or self.is_key[number]:
                last = number - 1
                while last >= start and self.is_hidden[last]:
                    last -= 1
                yield range(start, last + 1)
                start = number


def put_in_place(pictures: Pictures, media: Sequence[int | None], edits: Sequence[Edit]) -> None:
    """Has each stretch of the pictures begin when the list of `edits` says; FFmpeg is off by some, from the second on.

    `media` is when each picture is shown by its track's own clock; what keeps its distance to that is a stretch. One
    that isn't listed, as FFmpeg has it for a gap, isn't shown.
    """
    left = list(edits)
    for stretch in _stretches(pictures, media):
        seen = [at for number, at in stretch if not pictures.is_hidden[number]]
        if not seen:
            continue
        found = next((edit for edit in left if edit.media <= min(seen) < edit.media + edit.lasting), None)
        if found is not None:
            del left[: left.index(found) + 1]
        for number, at in stretch:
            if found is None:
                pictures.is_hidden[number] = True
            else:
                pictures.shown[number] = found.begin + at - found.media


def _stretches(pictures: Pictures, media: Sequence[int | None]) -> Iterator[list[tuple[int, int]]]:
    """Pictures, each with its time."""
    told = [(number, at) for number, at in enumerate(media) if at is not None]
    for _, stretch in itertools.groupby(told, lambda each: pictures.shown[each[0]] - each[1]):
        yield list(stretch)


def finer(ticks: int) -> int:
    """How many times as many ticks a second has, of so many, to have room for pictures that aren't shown."""
    return max(1, _FINE // ticks)


def retimed(pictures: Pictures, factor: int) -> list[Times | None]:
    """For each picture its times, in ticks of which there are `factor` times as many; None if it is left out.

    What isn't shown comes right before the next stretch, in its order, or stays behind the last one.
    """
    times: dict[int, int] = {}  # picture → when it is shown
    free: int | None = None  # before the next stretch, and what was put there
    for group in reversed([group for group in pictures.groups() if group]):
        shown = [number for number in group if not pictures.is_hidden[number]]
        times.update((number, pictures.shown[number] * factor) for number in shown)
        begin = min(pictures.shown[number] for number in shown)
        hidden = [number for number in group if pictures.is_hidden[number]]
        for number in sorted(hidden, key=pictures.shown.__getitem__, reverse=True):
            if pictures.shown[number] < begin:
                free = begin * factor if free is None else min(begin * factor, free)
            if free is None:
                times[number] = pictures.shown[number] * factor
            else:
                free = times[number] = free - 1
        free = begin * factor if free is None else min(begin * factor, free)
    order = sorted(times)
    decoded = sorted(times.values())
    late = max((at - times[number] for number, at in zip(order, decoded, strict=True)), default=0)
    made: list[Times | None] = [None] * len(pictures.shown)
    for number, at in zip(order, decoded, strict=True):
        lasting = 1 if pictures.is_hidden[number] else pictures.lasting[number] * factor
        made[number] = Times(times[number], at - late, lasting)
    return made
