"""Declared state, and copies of it."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from django.utils.safestring import mark_safe

from liveview import LiveView, state
from liveview.core.plain import is_plain
from liveview.core.state import copy_containers
from liveview.testing import LivePage
from liveview.tests.project.views import Colour

Open = Callable[..., LivePage]
Point = namedtuple("Point", "x y")


def test_each_view_has_its_own_copy_of_a_default() -> None:
    class View(LiveView):
        items: state[list[int]] = state([])

    one, other = View(), View()
    one.items.append(1)

    assert (one.items, other.items, View.items.default) == ([1], [], [])


def test_copies_keep_types_and_shared_parts() -> None:
    shared = [1]
    value = {
        "list": shared,
        "same": shared,
        "ordered": OrderedDict(a=shared),
        "default": defaultdict(list, a=[1]),
        "counter": Counter("aab"),
        "deque": deque([shared], maxlen=3),
        "point": Point([1], 2),
        "set": {1},
    }

    copied = copy_containers(value)

    shared.append(2)
    assert copied["list"] == [1] and copied["list"] is copied["same"] is copied["ordered"]["a"] is copied["deque"][0]
    assert [type(copied[key]) for key in value] == [type(value[key]) for key in value]
    assert copied["deque"].maxlen == 3 and copied["default"]["absent"] == []


def test_copies_survive_circles_and_leave_what_they_do_not_know() -> None:
    circle: list[Any] = []
    circle.append(circle)
    query = QueryDict("a=1")

    copied = copy_containers([circle, query])

    assert copied[0][0] is copied[0] is not circle
    assert copied[1] is query


@pytest.mark.parametrize(
    "value", [1, "a", None, mark_safe("<b>"), Decimal(1), date.min, Colour.RED, [1, {"a": (1, {2})}], b"x", 1.5]
)  # fmt: skip
def test_plain_values_can_be_kept(value: Any) -> None:
    assert is_plain(value)


@pytest.mark.parametrize(
    "value", [object(), [object()], {"a": object()}, defaultdict(lambda: 1), lambda: None, LiveView()]
)
def test_others_cannot(value: Any) -> None:
    assert not is_plain(value)
