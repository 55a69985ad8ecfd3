"""Plain data as JSON, and nothing but plain data out of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.utils.safestring import SafeString, mark_safe

from liveview.core.plain import dumps, is_plain, loads
from liveview.tests.project.views import Colour


class Mode(Flag):
    READ = 1
    WRITE = 2


class Holder:
    class Inner(Enum):
        PAIR = (1, "a")


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 0, -1, 2**70, 1.5, "", "é📷", "\ud800", b"\0\xff", Decimal("1.10"), UUID(int=7)),
        *(date(2026, 1, 2), time(1, 2, 3, 4), timedelta(-1, 2, 3), datetime(2026, 1, 2, 3, 4, 5, 6)),
        *(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        *((), (1, (2,)), [], [1, [2]], {}, {"a": {"b": 1}}, {1: "x", (1, 2): None}, {"tuple": [1]}),
        *({1, 2}, frozenset({"a"}), Colour.RED, Mode.READ | Mode.WRITE, Holder.Inner.PAIR, [{"a": ({1}, b"x")}]),
    ],
)
def test_a_value_is_itself_again(value: Any) -> None:
    again = loads(dumps(value))
    assert again == value and type(again) is type(value)
    assert is_plain(value)


def test_a_safe_text_stays_safe_and_another_does_not_become_so() -> None:
    assert type(loads(dumps(mark_safe("<b>")))) is SafeString
    assert type(loads(dumps("<b>"))) is str


def test_a_time_keeps_its_zone() -> None:
    before = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Vienna"), fold=1)
    again = loads(dumps(before))
    assert again.tzinfo.key == "Europe/Vienna" and again.fold == 1
    assert again.utcoffset() == before.utcoffset()


@pytest.mark.parametrize("value", [object(), [object()], {"a": object()}])
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, KeyError)):
        dumps(value)


@pytest.mark.parametrize(
    "told",
    [
        {"os": "x"},
        {},
        {"tuple": 1, "set": 2},
        {"tuple": 5},
        {"dict": [[1]]},
        {"dict": [[[1], 2]]},
        {"decimal": "x"},
        {"date": 1},
        {"datetime": ["2026-01-01", "No/Where", 0]},
        {"enum": ["os", "system", "id"]},
        {"enum": ["subprocess", "Popen", "id"]},
        {"enum": ["antigravity", "x", 1]},
        {"enum": ["liveview.tests.project.views", "Colour", "no such"]},
        {"bytes": "%"},
    ],
)
def test_nothing_else_comes_out(told: Any) -> None:
    with pytest.raises(ValueError):
        loads(json.dumps(told))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x80\x04\x95"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        loads(text)
