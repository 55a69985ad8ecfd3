"""Finds where two lists of tokens differ, in bounded time whatever the input.

Tokens that both lists have exactly once hold the lists together (patience diff). Between them, where nothing is unique,
the shortest edit is looked for as long as it is short (Myers); beyond that the whole stretch counts as changed. The
result is always correct, and usually small.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int, int, int]  # a[a1:a2] became b[b1:b2]

MOST_EDITS: Final = 40  # tokens taken out or put in, between two anchors
DEEPEST: Final = 5  # anchors within stretches between anchors within …


def changes(a: Sequence[str], b: Sequence[str]) -> list[Span]:
    """The spans that differ, ascending; applied to `a` they give `b`."""
    return list(_Diff(a, b).between(0, len(a), 0, len(b), DEEPEST))


class _Diff:
    def __init__(self, a: Sequence[str], b: Sequence[str]) -> None:
        self._a, self._b = a, b

    def between(self, a1: int, a2: int, b1: int, b2: int, levels: int) -> Iterator[Span]:
        a, b = self._a, self._b
        while a1 < a2 and b1 < b2 and a[a1] == b[b1]:
            a1, b1 = a1 + 1, b1 + 1
        while a1 < a2 and b1 < b2 and a[a2 - 1] == b[b2 - 1]:
            a2, b2 = a2 - 1, b2 - 1
        if a1 == a2 and b1 == b2:
            return
        if a1 == a2 or b1 == b2:
            yield a1, a2, b1, b2
            return
        anchors = _anchors(a[a1:a2], b[b1:b2]) if levels else []
        if not anchors:
            yield from self._shortest(a1, a2, b1, b2)
            return
        at, bt = a1, b1
        for i, j in anchors:
            yield from self.between(at, a1 + i, bt, b1 + j, levels - 1)
            at, bt = a1 + i + 1, b1 + j + 1
        yield from self.between(at, a2, bt, b2, levels - 1)

    def _shortest(self, a1: int, a2: int, b1: int, b2: int) -> Iterator[Span]:
        """Myers' greedy algorithm: how far each diagonal gets with 0, 1, 2, … edits, until one gets to the end."""
        reach = {1: 0}
        trace: list[dict[int, int]] = []
        for edits in range(min(MOST_EDITS, a2 - a1 + b2 - b1) + 1):
            trace.append(reach)
            reach = dict(reach)
            for k in range(-edits, edits + 1, 2):
                down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
                x = reach[k + 1] if down else reach[k - 1] + 1
                x = self._slide(a1 + x, a2, b1 + x - k, b2) - a1
                reach[k] = x
                if a1 + x >= a2 and b1 + x - k >= b2:
                    yield from _walk_back(trace, a1, a2, b1, b2)
                    return
        yield a1, a2, b1, b2

    def _slide(self, i: int, a2: int, j: int, b2: int) -> int:
        a, b = self._a, self._b
        while i < a2 and j < b2 and a[i] == b[j]:
            i, j = i + 1, j + 1
        return i


def _walk_back(trace: list[dict[int, int]], a1: int, a2: int, b1: int, b2: int) -> Iterator[Span]:
    """The edits that led to the end, as spans: neighbours joined, in order."""
    spans: list[Span] = []
    x, y = a2 - a1, b2 - b1
    for edits in range(len(trace) - 1, 0, -1):
        reach, k = trace[edits], x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        before_k = k + 1 if down else k - 1
        before_x = reach[before_k]
        before_y = before_x - before_k
        end_x, end_y = (before_x, before_y + 1) if down else (before_x + 1, before_y)
        span = a1 + before_x, a1 + end_x, b1 + before_y, b1 + end_y
        if spans and spans[-1][0] == span[1] and spans[-1][2] == span[3]:
            last = spans.pop()
            span = span[0], last[1], span[2], last[3]
        spans.append(span)
        x, y = before_x, before_y
    yield from reversed(spans)


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Tokens that both have exactly once, as pairs of places: as many as stand in the same order in both."""
    once = _unique(a) & _unique(b)
    if not once:
        return []
    places = {token: j for j, token in enumerate(b) if token in once}
    pairs = [(i, places[token]) for i, token in enumerate(a) if token in once]
    return _longest_run(pairs)


def _unique(tokens: Sequence[str]) -> set[str]:
    return {token for token, times in Counter(tokens).items() if times == 1}


def _longest_run(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest ascending run of second numbers."""
    tails: list[int] = []  # the smallest last number of a run of each length
    ends: list[int] = []  # and the index of its pair
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(tails, j)
        before.append(ends[length - 1] if length else -1)
        tails[length : length + 1], ends[length : length + 1] = [j], [index]
    run, index = [], ends[-1]
    while index >= 0:
        run.append(pairs[index])
        index = before[index]
    return run[::-1]
