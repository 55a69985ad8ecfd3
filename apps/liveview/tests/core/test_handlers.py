"""Events: which methods a browser reaches, with which arguments, and what it hears back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from liveview import LiveView, event_handler
from liveview.testing import LivePage, ServerSaid
from liveview.tests.project.views import Colour

Open = Callable[..., LivePage]


# -- Which methods


def test_a_marked_method_is_reachable(site: Open) -> None:
    bench = site()

    bench.click("add", by=2)

    assert "count=2" in bench.html


@pytest.mark.parametrize(
    "name",
    ["mount", "handle_params", "_note", "__init__", "add\n", " add", "add.by", "tick", "not_marked", "push_event",
     "count", "live_extension", "get", "dispatch", "compute", "__class__.__init__", "constructor"],
)  # fmt: skip
def test_nothing_else_is_an_event(site: Open, name: str) -> None:
    bench = site()

    with pytest.raises(ServerSaid) as said:
        bench.click(name)

    assert said.value.code == "unknown_event"
    assert "count=0" in bench.html


def test_an_event_handler_is_no_server_function(site: Open) -> None:
    with pytest.raises(ServerSaid, match="unknown_event"):
        site().call("add")


def test_an_inherited_handler_is_reachable_and_an_override_without_mark_hides(site: Open) -> None:
    child = site("/child/")

    child.click("kept")
    assert "got=kept" in child.html
    child.click("changed")
    assert "got=child" in child.html
    with pytest.raises(ServerSaid, match="unknown_event"):
        child.click("hidden")


@pytest.mark.parametrize("url", ["/mixin-first/", "/mixin-last/"])
def test_a_mixin_may_stand_on_either_side_of_the_view(site: Open, url: str) -> None:
    mixed = site(url)

    mixed.click("mixed")

    assert "got=mixed" in mixed.html


@pytest.mark.parametrize("name", ["mount", "get", "push_event", "_private", "setup"])
def test_a_method_of_the_runtime_cannot_be_marked(name: str) -> None:
    with pytest.raises(TypeError, match="another name"):
        type("Wrong", (LiveView,), {name: event_handler(lambda self: None)})


def test_only_functions_can_be_marked() -> None:
    with pytest.raises(TypeError, match="Only a method"):
        event_handler(property(lambda self: None))  # type: ignore[type-var]


# -- Arguments


@pytest.mark.parametrize(
    ("name", "given", "got"),
    [
        ("whole", "-12", -12), ("whole", 7, 7), ("real", "1.5e3", 1500.0), ("real", 2, 2.0), ("flag", "on", True),
        ("flag", False, False), ("flag", "", False), ("name", "ü😀", "ü😀"), ("price", "9.90", Decimal("9.90")),
        ("price", 0.1, Decimal("0.1")), ("day", "2026-11-21", date(2026, 11, 21)), ("colour", "2", Colour.BLUE),
        ("colour", "red", Colour.RED), ("size", "l", "l"), ("tags", ["1", 2], [1, 2]), ("tags", "3", [3]),
        ("maybe", "", None), ("maybe", None, None), ("maybe", "4", 4), ("mapping", {"a": [1]}, {"a": [1]}),
    ],
)  # fmt: skip
def test_arguments_become_what_their_annotation_says(site: Open, name: str, given: Any, got: Any) -> None:
    events = site("/events/")

    events.event("typed", {name: given})

    assert f"'{name}': {got!r}" in events.html


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("whole", "1.0"), ("whole", 1.0), ("whole", True), ("whole", ""), ("whole", "1_0"), ("whole", "٣"),
        ("whole", None),
        ("whole", [1]), ("whole", {}), ("whole", "9" * 30), ("whole", 2**63), ("whole", " 1"), ("real", "nan"),
        ("real", "1e999"), ("real", "inf"), ("real", True), ("real", "1_0"), ("flag", "yes"), ("flag", 1.5),
        ("name", 5),
        ("name", None), ("name", ["a"]), ("name", "a\0b"), ("price", "NaN"), ("price", "1e9999"), ("price", "sNaN"),
        ("price", [1]),
        ("day", "yesterday"), ("day", 5), ("key", "x"), ("key", 5), ("colour", "green"), ("colour", None),
        ("size", "xl"),
        ("size", ["s"]), ("tags", ["x"]), ("tags", [[1]]), ("maybe", "x"), ("mapping", "x"), ("mapping", [1]),
    ],
)  # fmt: skip
def test_an_argument_that_does_not_fit_is_refused_by_name(site: Open, name: str, given: Any) -> None:
    events = site("/events/")

    with pytest.raises(ServerSaid) as said:
        events.event("typed", {name: given})

    assert said.value.code == "bad_params"
    assert said.value.message.startswith(f"{name} must be ")
    assert "got=</p>" in events.html


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Missing argument: name."),
        ({"name": "a", "other": 1}, "Unexpected argument: other."),
        ({"name": "a", "self": 1}, "Unexpected argument: self."),
        ({"name": "a", "request": 1}, "Unexpected argument: request."),
        ({"name": "a", "__class__": 1}, "Unexpected argument: __class__."),
    ],
)
def test_missing_and_extra_arguments_are_refused(site: Open, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ServerSaid) as said:
        site("/events/").event("needs", params)

    assert (said.value.code, said.value.message) == ("bad_params", message)


def test_a_handler_may_take_whatever_comes_except_itself(site: Open) -> None:
    events = site("/events/")

    events.event("takes_all", {"form-0-name": "a", "self": "me", "request": 1})

    assert "[('form-0-name', 'a'), ('request', 1)]" in events.html


def test_an_annotation_that_no_browser_can_fill_is_the_servers_fault(site: Open) -> None:
    events = site("/events/")

    with pytest.raises(ServerSaid, match="server_error"):
        events.event("unbindable", {"thing": "x"})

    events.event("needs", {"name": "still here"})
    assert "still here" in events.html


def test_async_handlers_work_like_others(site: Open) -> None:
    async def run(view: Any) -> None:
        view.count += 3

    bench = site(on_run=run)

    bench.click("arun")

    assert "count=3" in bench.html


def test_an_async_handler_may_use_the_database(site: Open) -> None:
    from django.contrib.auth.models import User

    async def run(view: Any) -> None:
        await User.objects.acreate(username="ada")
        view.count = await User.objects.acount()

    bench = site(on_run=run)

    bench.click("arun")

    assert "count=1" in bench.html


# -- Server functions


def test_a_server_function_answers_with_json(site: Open) -> None:
    bench = site(on_run=lambda view: {"sum": 3, "day": date(2026, 11, 21), "none": None})

    assert bench.call("compute") == {"sum": 3, "day": "2026-11-21", "none": None}


def test_an_async_server_function_answers_too_and_may_change_the_page(site: Open) -> None:
    async def run(view: Any) -> int:
        view.count = 9
        return 8

    bench = site(on_run=run)

    assert bench.call("acompute") == 8
    assert "count=9" in bench.html


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), float("inf"), b"bytes", {(1, 2): 3}])
def test_a_value_that_is_no_json_is_an_error_and_changes_nothing(site: Open, value: Any) -> None:
    def run(view: Any) -> Any:
        view.count = 5
        return value

    bench = site(on_run=run)

    with pytest.raises(ServerSaid, match="server_error"):
        bench.call("compute")

    bench.click("add")
    assert "count=1" in bench.html


def test_what_a_plain_handler_returns_is_nobodys_business(site: Open) -> None:
    bench = site(on_run=lambda view: object(), run=event_handler(lambda self: object()))

    bench.click("add")

    assert "count=1" in bench.html
