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


# -- What a handler may ask for


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


def test_a_handler_pushes_events_flashes_titles_and_addresses(site: Open) -> None:
    def run(view: Any) -> None:
        view.push_event("saved", {"at": date(2026, 11, 21)})
        view.flash("Well done", "success")
        view.page_title = "Another"
        view.push_url("?a=1&b=", replace=True)

    bench = site(on_run=run)
    bench.received.clear()

    bench.click("run")

    assert "params=a=1,b=" in bench.html
    assert bench.title == "Another"
    told = bench.received
    assert {"type": "push", "name": "saved", "detail": {"at": "2026-11-21"}} in told
    assert {"type": "flash", "level": "success", "text": "Well done"} in told
    assert {"type": "url", "url": "?a=1&b=", "replace": True} in told
    assert told[-1]["type"] == "ack"


def test_going_back_in_the_browser_hands_the_address_to_the_view(site: Open) -> None:
    bench = site()

    bench.send({"type": "url", "url": "/bench/?page=7"})
    bench.wait_html("params=page=7")

    bench.send({"type": "url", "url": "/public/"})
    assert bench.wait_for("redirect")["url"] == "/public/"


@pytest.mark.parametrize(
    "url",
    ["/other/?a=1", "//evil.example/", "https://evil.example/bench/", "javascript:alert(1)", "/bench/\\evil", "x\ny"],
)
def test_push_url_leads_to_no_other_page(site: Open, url: str) -> None:
    bench = site(on_run=lambda view: view.push_url(url))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")


@pytest.mark.parametrize("url", ["/public/", "?a=1", "https://example.com/x", "http://example.com"])
def test_redirects_lead_to_web_pages(site: Open, url: str) -> None:
    bench = site(on_run=lambda view: view.redirect(url))

    bench.click("run")

    assert {"type": "redirect", "url": url} in bench.received


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "data:text/html,x",
     "vbscript:x", "//evil.example", "/\\evil.example", "\\\\evil.example", "blob:x", "https:evil.example", "ftp://x/"],
)  # fmt: skip
def test_redirects_lead_nowhere_else(site: Open, url: str) -> None:
    bench = site(on_run=lambda view: view.redirect(url))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")

    assert not [message for message in bench.received if message["type"] == "redirect"]


def test_send_after_calls_any_method_later(site: Open) -> None:
    bench = site(on_run=lambda view: view.send_after(0.01, view.tick, by=5))

    bench.click("run")
    bench.wait_html("count=5")


def test_a_view_may_tick_by_itself_from_its_mount(site: Open) -> None:
    def tick(view: Any, by: int = 1) -> None:
        view.count += by
        view.send_after(0.001, "tick")

    bench = site(on_mount=lambda view: view.send_after(0.001, "tick"), tick=tick)

    bench.wait_html("count=3")


def test_send_after_needs_a_method(site: Open) -> None:
    bench = site(on_run=lambda view: view.send_after(1, "no_such_method"))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")


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


@pytest.mark.parametrize("value", [object(), float("nan")])
def test_an_event_for_the_page_must_be_json_too(site: Open, value: Any) -> None:
    bench = site(on_run=lambda view: view.push_event("x", value))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")

    bench.click("add")
    assert "count=1" in bench.html


def test_what_a_plain_handler_returns_is_nobodys_business(site: Open) -> None:
    bench = site(on_run=lambda view: object(), run=event_handler(lambda self: object()))

    bench.click("add")

    assert "count=1" in bench.html


def test_text_that_no_utf8_can_hold_reaches_the_page_as_question_marks(site: Open) -> None:
    bench = site(on_run=lambda view: setattr(view, "text", "a\ud800b😀"))

    bench.click("run")

    assert "<h1>a?b😀</h1>" in bench.html
    bench.click("add")
    assert "count=1" in bench.html
