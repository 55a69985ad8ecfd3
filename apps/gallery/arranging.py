"""The photos of an open page stay where they are, whatever others do: only their visitor moves them.

An order is the ids of a page's photos. What others add, move or delete is in it once the page is laid anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def put(order: list[int], ids: Iterable[int], *, after: int = 0, before: int = 0) -> list[int]:
    """With these behind or before another; at the front if neither is given; left out if that one isn't there."""
    ids = list(ids)
    others = [each for each in order if each not in ids]
    beside = after or before
    if not beside:
        return [*ids, *others]
    if beside not in others:
        return others
    at = others.index(beside) + bool(after)
    return [*others[:at], *ids, *others[at:]]


def insert(
    order: list[int], positions: Mapping[int, float], fresh: Mapping[int, float], *, is_first: bool
) -> list[int]:
    """With what is new, behind the one that comes before it by its position.

    positions: of those in the order that are still there. is_first: whether nothing comes before this page.
    """
    order, known = list(order), {pk: position for pk, position in positions.items() if pk in order}
    for pk, position in sorted(fresh.items(), key=lambda item: -item[1]):
        ahead = [each for each in known if known[each] > position]
        at = order.index(min(ahead, key=known.__getitem__)) + 1 if ahead else 0
        if pk not in order and (at or is_first):
            order.insert(at, pk)
            known[pk] = position
    return order


def differs(order: list[int], now: list[int], *, is_first: bool) -> bool:
    """Whether laying the page anew would show something else, besides what has only been pushed to another page."""
    common = [each for each in order if each in now]
    return common != [each for each in now if each in order] or (is_first and len(common) < max(len(order), len(now)))
