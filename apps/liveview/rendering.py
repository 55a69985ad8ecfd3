"""A view's HTML, and the smallest description of how it changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from django.template.loader import get_template

from liveview.core.token_diff import changes
from liveview.mounted import Mounted

Splice: TypeAlias = tuple[int, int, str]  # start, deleted length, inserted text; in UTF-16 units of the old text

# Splices closer than this are merged: the numbers and brackets around a splice cost bytes as well.
JOIN = 24
_TOKEN = re.compile(r"[^<]*<?")


def render(mounted: Mounted, streams: Mapping[str, str] | None = None) -> str:
    """The HTML of the view's own template (without the page around it), with what its streams hold."""
    template: Any = get_template(mounted.template())
    rendered: str = template.render({**mounted.context(), "streams": streams or {}}, mounted.request)
    return rendered


def diff(old: str, new: str) -> list[Splice]:
    """Splices that turn `old` into `new`, in ascending order and not touching; empty when they are equal.

    The work is bounded: see `liveview.core.token_diff`.
    """
    if old == new:
        return []
    start = _common_prefix(old, new)
    end = _common_suffix(old, new, min(len(old), len(new)) - start)
    middle = _refine(old[start : len(old) - end], new[start : len(new) - end])
    return _to_utf16(old, [(start + at, length, text) for at, length, text in middle])


def apply(old: str, splices: list[Splice]) -> str:
    """What a client does with splices."""
    units, parts, at = old.encode("utf-16-le", "surrogatepass"), [], 0
    for start, length, text in splices:
        parts += [units[2 * at : 2 * start], text.encode("utf-16-le", "surrogatepass")]
        at = start + length
    return b"".join([*parts, units[2 * at :]]).decode("utf-16-le", "surrogatepass")


def _common_prefix(a: str, b: str) -> int:
    """Found by halving: comparing slices runs at memory speed, a loop over characters doesn't."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(a: str, b: str, most: int) -> int:
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _refine(old: str, new: str) -> list[Splice]:
    """The changes between two texts that differ at both ends, as several splices where that is shorter than one."""
    if min(len(old), len(new)) < 4 * JOIN:
        return [(0, len(old), new)]
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    splices: list[Splice] = []
    offsets = _offsets(a)
    for a1, a2, b1, b2 in changes(a, b):
        _append(splices, old, _trim(offsets[a1], "".join(a[a1:a2]), "".join(b[b1:b2])))
    return splices


def _offsets(tokens: list[str]) -> list[int]:
    offsets, at = [], 0
    for token in tokens:
        offsets.append(at)
        at += len(token)
    return [*offsets, at]


def _trim(at: int, old: str, new: str) -> Splice:
    start = _common_prefix(old, new)
    end = _common_suffix(old, new, min(len(old), len(new)) - start)
    return at + start, len(old) - start - end, new[start : len(new) - end]


def _append(splices: list[Splice], old: str, splice: Splice) -> None:
    if splices:
        at, length, text = splices[-1]
        gap = splice[0] - (at + length)
        if gap < JOIN:
            splices[-1] = (at, splice[0] + splice[1] - at, text + old[at + length : splice[0]] + splice[2])
            return
    splices.append(splice)


def _to_utf16(old: str, splices: list[Splice]) -> list[Splice]:
    """Python counts code points, a browser UTF-16 units."""
    if old.isascii():
        return splices
    converted, at, units = [], 0, 0
    for start, length, text in splices:
        units += _units(old[at:start])
        size = _units(old[start : start + length])
        converted.append((units, size, text))
        at, units = start + length, units + size
    return converted


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
