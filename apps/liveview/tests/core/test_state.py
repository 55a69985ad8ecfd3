"""State: what a failed handler leaves behind, and what outlives a socket."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.http import QueryDict
from django.test import Client
from django.utils.safestring import mark_safe

from liveview import LiveView, state
from liveview.core.state import copy_containers, is_plain
from liveview.testing import Closed, LivePage, ServerSaid
from liveview.tests.conftest import until
from liveview.tests.project.views import Colour

Open = Callable[..., LivePage]
Point = namedtuple("Point", "x y")


# -- Declared


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


# -- A handler that raises


def test_a_handler_that_raises_leaves_nothing_behind(site: Open) -> None:
    def run(view: Any) -> None:
        view.count = 5
        view.items.append("in place")
        view.public["deep"].append("in place")
        view._private.append("in place")
        view.new = "new"
        view._new = "new"
        del view.gone
        view.page_title = "New"
        view.flash("never seen")
        view.push_event("never_heard")
        view.redirect("/public/")
        view.subscribe("nothing")
        view.send_after(0, "tick")
        raise RuntimeError

    views: list[Any] = []

    def mount(view: Any) -> None:
        views.append(view)
        view.public, view._private, view.gone = {"deep": []}, [], "here"

    bench = site(on_mount=mount, on_run=run)
    bench.received.clear()

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")

    view = views[-1]
    assert [message["type"] for message in bench.received] == ["error"]
    assert (view.count, view.items, view.public, view._private, view.gone) == (0, [], {"deep": []}, [], "here")
    assert not hasattr(view, "new") and not hasattr(view, "_new")
    bench.click("add")
    assert "count=1" in bench.html and bench.title == "Bench"
    assert [message["type"] for message in bench.received] == ["error", "patch", "ack"]


def test_a_render_that_raises_undoes_the_handler_too(site: Open) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError

    bench = site(on_run=lambda view: vars(view).update(text=Unprintable(), count=5))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")

    bench.click("add")
    assert "count=1" in bench.html


def test_an_async_handler_that_raises_is_undone(site: Open) -> None:
    async def run(view: Any) -> None:
        view.items.append(1)
        raise RuntimeError

    bench = site(on_run=run)

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("arun")

    bench.click("add")
    assert "items=[]" in bench.html


def test_the_visitor_gets_the_number_that_is_in_the_log(site: Open, errors: Callable[[], str]) -> None:
    bench = site()

    with pytest.raises(ServerSaid) as said:
        bench.click("fail")

    assert said.value.code == "server_error"
    assert "as asked" not in said.value.message
    assert f"[{said.value.id}]" in errors()


def test_the_second_failure_in_a_row_closes_the_socket(site: Open) -> None:
    bench = site()

    with pytest.raises(ServerSaid):
        bench.click("fail")
    bench.click("add")
    with pytest.raises(ServerSaid):
        bench.click("fail")
    with pytest.raises((ServerSaid, Closed)):
        bench.click("fail")

    assert bench.wait_closed() == 4400


# -- Snapshots


def test_a_reconnect_continues_where_the_visitor_was(site: Open) -> None:
    bench = site()
    bench.click("add", by=3)
    bench.click("say", text="ü😀")
    bench.drop_connection()

    bench.reconnect()

    assert bench.restored
    assert "count=3" in bench.html and "ü😀" in bench.html
    bench.click("add")
    bench.reconnect()
    assert "count=4" in bench.html


def test_what_no_cache_can_hold_is_as_mount_left_it(site: Open) -> None:
    bench = site(on_run=lambda view: vars(view).update(text=object(), count=2))
    bench.click("run")

    bench.reconnect()

    assert "count=2" in bench.html and "<h1></h1>" in bench.html


def test_a_snapshot_is_only_for_its_own_session(site: Open, admin_user: Any) -> None:
    client = Client()
    client.force_login(admin_user)
    bench = site("/bench/", client)
    bench.click("add", by=3)
    thief = site("/bench/", Client())

    thief.snapshot = bench.snapshot
    thief.reconnect()

    assert not thief.restored
    assert "count=0" in thief.html


@pytest.mark.parametrize("url", ["/other/", "/events/"])
def test_a_snapshot_is_only_for_its_own_page(site: Open, url: str) -> None:
    bench = site()
    bench.click("add", by=3)
    other = site(url)

    other.snapshot = bench.snapshot
    other.reconnect()

    assert not other.restored


def test_a_reconnect_at_another_query_shows_that_one(site: Open) -> None:
    bench = site()
    bench.click("add", by=3)
    bench.url = "/bench/?page=2"

    bench.reconnect()

    assert bench.restored
    assert "count=3" in bench.html and "params=page=2" in bench.html


def test_a_reconnect_at_the_same_query_keeps_what_a_handler_made_of_it(site: Open) -> None:
    bench = site(on_run=lambda view: setattr(view, "params", "changed"))
    bench.click("run")

    bench.reconnect()

    assert "params=changed" in bench.html


def test_no_snapshot_is_no_harm(site: Open) -> None:
    bench = site()
    bench.click("add")
    cache.clear()

    bench.reconnect()

    assert not bench.restored
    assert "count=0" in bench.html


@pytest.mark.parametrize("method", ["get", "set", "touch"])
def test_a_cache_that_is_away_is_no_harm(site: Open, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def away(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr("django.core.cache.backends.locmem.LocMemCache." + method, away)
    bench = site()

    bench.click("add")
    bench.reconnect()
    bench.click("add")

    assert "count=" in bench.html


def test_a_snapshot_lives_on_while_its_visitor_is_here(
    site: Open, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "SESSION_CHECK": 0.01, "SNAPSHOT_TTL": 0.04}
    touched = threading.Event()
    monkeypatch.setattr("liveview.socket.snapshots.touch", lambda snapshot: touched.set())
    site()

    until(touched.is_set)


def test_a_snapshot_counts_as_new_when_its_visitor_goes(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[str] = []
    monkeypatch.setattr("liveview.socket.snapshots.touch", touched.append)
    bench = site()

    bench.drop_connection()

    assert touched == [bench.snapshot]


def test_a_client_cannot_set_state(site: Open) -> None:
    bench = site()

    bench.send({"type": "state", "count": 5})
    assert bench.wait_for("error")["code"] == "bad_message"
    bench.send({"type": "event", "ref": 1, "name": "add", "params": {}, "count": 5})
    assert bench.wait_for("error")["code"] == "bad_message"
    with pytest.raises(ServerSaid, match="bad_params"):
        bench.click("add", count=5)

    bench.click("add")
    assert "count=1" in bench.html
