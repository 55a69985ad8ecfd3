"""No visitor holds up another, and none leaves anything behind."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.backends.signals import connection_created
from django.test import Client

from liveview.testing import LivePage
from liveview.tests.processes import until
from liveview.tests.project.views import Gate
from liveview.tests.server import Server, Visitor

Open = Callable[..., LivePage]


def start(page: LivePage, event: str, ref: int = 1000, **params: Any) -> None:
    """An event whose end isn't waited for."""
    page.send({"type": "event", "ref": ref, "name": event, "params": params})


def test_a_handler_that_waits_holds_up_nobody_else(site: Open) -> None:
    patient, other = site("/gate/"), site("/gate/")
    start(patient, "wait", number=1)

    other.click("add")
    assert "count=1" in other.html
    other.click("open")

    patient.wait_html("count=1")


def test_nor_does_it_over_a_real_server(server: Callable[..., Server], visit: Callable[..., Visitor]) -> None:
    process = server()
    patient, other = visit(process, "/gate/"), visit(process, "/gate/")
    patient.start("wait", number=1)

    other.event("add")
    assert "count=1" in other.html
    assert process.get("/public/") == 200
    other.event("open")

    patient.wait_html("count=1")


def test_events_of_one_visitor_take_turns_in_order(site: Open) -> None:
    gate = site("/gate/")
    for number in (1, 2, 3, 4):
        start(gate, "wait", ref=1000 + number, number=number)

    Gate.opened.set()

    gate.wait_html("count=1234")
    acks = [message["ref"] for message in gate.received if message["type"] == "ack"]
    assert acks == sorted(acks)


def test_one_visitor_with_many_tabs_gets_a_part_of_the_threads_only(
    site: Open, admin_client: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = 0
    lock, opened = threading.Lock(), threading.Event()

    def wait(view: Any) -> None:
        nonlocal waiting
        with lock:
            waiting += 1
        assert opened.wait(60)

    tabs = [site("/bench/", admin_client, on_run=wait) for _ in range(12)]
    for tab in tabs:
        start(tab, "run")
    until(lambda: waiting == 8)  # a quarter of 32

    others = [site() for _ in range(4)]
    for other in others:
        other.click("add")

    assert waiting == 8
    opened.set()
    for tab in tabs:
        tab.wait_for("ack")
    assert waiting == 12


def test_database_connections_are_closed_after_each_turn(site: Open) -> None:
    opened: list[Any] = []

    def remember(sender: Any, connection: Any, **_kwargs: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            opened.append(connection)

    async def arun(view: Any) -> None:
        await User.objects.acount()

    bench = site(on_run=lambda view: User.objects.count())
    connection_created.connect(remember)
    try:
        for _ in range(3):
            bench.click("run")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("liveview.tests.project.views.Bench.on_run", arun)
            bench.click("arun")
        with pytest.raises(AssertionError):
            bench.click("fail")
    finally:
        connection_created.disconnect(remember)

    assert len(opened) >= 4
    assert [each for each in opened if each.connection is not None] == []


def test_a_handler_that_has_begun_is_finished_though_its_visitor_leaves(site: Open) -> None:
    began, opened = threading.Event(), threading.Event()

    def run(view: Any) -> None:
        began.set()
        assert opened.wait(60)
        view.count = 5
        view.broadcast("room:lobby", {"text": "done"})

    room, bench = site("/room/lobby/"), site(on_run=run)
    start(bench, "run")
    assert began.wait(60)

    threading.Timer(0.05, opened.set).start()
    bench.drop_connection()

    room.wait_html("done")
    bench.reconnect()
    assert "count=5" in bench.html


def test_what_still_waited_for_its_turn_is_dropped_when_the_visitor_leaves(site: Open) -> None:
    began, opened = threading.Event(), threading.Event()
    runs: list[int] = []

    def run(view: Any) -> None:
        runs.append(1)
        began.set()
        assert opened.wait(60)

    bench = site(on_run=run)
    start(bench, "run", ref=1000)
    start(bench, "run", ref=1001)
    assert began.wait(60)

    threading.Timer(0.05, opened.set).start()
    bench.drop_connection()

    assert runs == [1]


def test_a_timer_dies_with_its_socket(site: Open) -> None:
    ticks: list[int] = []
    bench = site(on_run=lambda view: view.send_after(0.2, "tick"), tick=lambda view: ticks.append(1))
    bench.click("run")

    bench.drop_connection()

    watcher = site(on_run=lambda view: view.send_after(0.4, "add"))
    watcher.click("run")
    watcher.wait_html("count=1")
    assert ticks == []


def test_a_page_that_was_left_is_forgotten_timers_and_all(site: Open) -> None:
    views: list[weakref.ref[Any]] = []
    bench = site(
        on_mount=lambda view: views.append(weakref.ref(view)) if view.connected else None,
        on_run=lambda view: (view.send_after(10_000, "tick"), view.subscribe("x"), view.push_event("x")),
    )
    bench.click("run")

    bench.drop_connection()

    def is_gone() -> bool:
        gc.collect()
        return views[0]() is None

    until(is_gone)


def test_extensions_are_let_go_after_the_last_handler(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from liveview.extensions import Extension
    from liveview.tests.project.views import Bench

    seen: list[str] = []
    began, opened = threading.Event(), threading.Event()

    class Watching(Extension):
        def handler_finished(self, succeeded: bool) -> None:
            seen.append(f"handler {succeeded}")

        async def closed(self) -> None:
            seen.append("closed")

    def run(view: Any) -> None:
        began.set()
        assert opened.wait(60)

    monkeypatch.setattr(Bench, "live_extension_classes", (Watching,))
    bench = site(on_run=run)
    seen.clear()
    start(bench, "run")
    assert began.wait(60)

    threading.Timer(0.05, opened.set).start()
    bench.drop_connection()

    assert seen == ["handler True", "closed"]


def test_a_session_that_changes_elsewhere_is_seen_and_not_overwritten(site: Open, admin_client: Any) -> None:
    def run(view: Any) -> None:
        session = view.request.session
        view.text = session.get("basket", "")
        session["seen"] = True

    bench = site("/bench/", admin_client, on_run=run)
    bench.click("run")
    session = admin_client.session
    assert session["seen"]
    session["basket"] = "full"
    session.save()

    bench.click("run")

    assert "<h1>full</h1>" in bench.html
    assert admin_client.session["basket"] == "full"


def test_what_a_click_causes_elsewhere_gets_an_eighth_of_the_threads(site: Open) -> None:
    heard = 0
    lock, opened = threading.Lock(), threading.Event()

    def hear(view: Any, topic: str, message: Any) -> None:
        nonlocal heard
        with lock:
            heard += 1
        assert opened.wait(60)

    def subscribe(view: Any) -> None:
        view.subscribe("room:lobby")

    tabs = [site("/bench/", visitor(), on_mount=subscribe, on_info=hear) for _ in range(6)]
    room = site("/room/lobby/", visitor())
    room.send({"type": "event", "ref": 1, "name": "say", "params": {"text": "hello"}})
    until(lambda: heard == 4)  # of 32

    other = site("/public/", visitor())
    assert other.html
    assert heard == 4
    opened.set()
    until(lambda: heard == 6)
    assert len(tabs) == 6


def visitor() -> Client:
    """Somebody with a session of their own."""
    client = Client()
    session = client.session
    session["known"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key
    return client
