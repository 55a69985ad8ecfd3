"""What outlives a socket: declared state, for its own session and page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from liveview.testing import LivePage, ServerSaid
from liveview.tests.processes import until
from liveview.tests.server import Server, Visitor

Open = Callable[..., LivePage]


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


def test_a_page_is_loaded_again_when_its_visitor_has_logged_in_or_out_meanwhile(site: Open, admin_user: Any) -> None:
    client = Client()
    bench = site("/bench/", client)
    for change in (lambda: client.force_login(admin_user), client.logout):
        bench.reconnect()
        bench.click("add")
        assert "reload" not in {message["type"] for message in bench.received}

        change()
        bench.reconnect()

        bench.wait_for("reload")
        bench.received.clear()


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


def test_a_visitor_finds_the_page_as_it_was_in_another_process(
    server: Callable[..., Server], visit: Callable[..., Visitor]
) -> None:
    one = server()
    visitor = visit(one, "/bench/")
    visitor.event("add", by=5)
    one.kill()
    visitor.socket.close()

    again = visit(server(), "/bench/", snapshot=visitor.snapshot)

    assert again.restored
    assert "count=5" in again.html
    again.event("add")
    assert "count=6" in again.html
