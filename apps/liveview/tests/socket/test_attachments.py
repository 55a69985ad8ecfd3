"""What handlers have begun comes back with the state: subscriptions, timers, background work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from liveview import process
from liveview.pubsub import broadcast
from liveview.testing import LivePage, ServerSaid

Open = Callable[..., LivePage]


def heard(view: Any, topic: str, message: dict[str, Any]) -> None:
    view.text += f"[{topic} {message['n']}]"


def test_a_subscription_of_a_handler_is_taken_up_again(site: Open) -> None:
    bench = site(on_run=lambda view: view.subscribe("mine"), on_info=heard)
    bench.click("run")

    bench.reconnect()
    broadcast("mine", {"n": 1})

    bench.wait_html("[mine 1]")


def test_what_a_handler_has_left_stays_left(site: Open) -> None:
    def mount(view: Any) -> None:
        view.subscribe("left")
        view.subscribe("kept")

    bench = site(on_mount=mount, on_run=lambda view: view.unsubscribe("left"), on_info=heard)
    bench.click("run")

    bench.reconnect()
    broadcast("left", {"n": 1})
    broadcast("kept", {"n": 2})

    bench.wait_html("[kept 2]")
    assert "[left" not in bench.html


def test_a_handler_that_fails_has_begun_nothing(site: Open) -> None:
    def run(view: Any) -> None:
        view.count += 1
        if view.count > 1:
            view.subscribe("never")
            view.send_after(0.01, "tick", by=50)
            raise RuntimeError("as asked")

    bench = site(on_run=run, on_info=heard)
    bench.click("run")
    with pytest.raises(ServerSaid):
        bench.click("run")

    bench.reconnect()
    broadcast("never", {"n": 1})
    bench.click("say", text="later")

    assert "count=1" in bench.html and "[never" not in bench.html


def test_a_timer_of_a_handler_rings_after_a_reconnect_and_once(site: Open) -> None:
    bench = site(on_run=lambda view: view.send_after(1, "tick", by=5))
    bench.click("run")

    bench.reconnect()
    bench.wait_html("count=5")

    bench.reconnect()
    bench.click("add")
    assert "count=6" in bench.html


def test_a_clock_goes_on_and_one_that_mount_starts_is_no_second_one(site: Open) -> None:
    """`tick` of a clock begins the next one: each belongs to whoever began the first."""
    rings: list[str] = []

    def mount(view: Any) -> None:
        view.again = lambda: (rings.append("mount's"), view.send_after(30, "again"))
        if view.connected:
            view.send_after(0.01, "again")

    bench = site(on_mount=mount, on_run=lambda view: view.send_after(0.01, "tick"))
    bench.click("run")
    bench.wait_html("count=1")
    while not rings:
        bench.click("say", text="waiting")

    bench.reconnect()

    while len(rings) < 2:
        bench.click("say", text="waiting")
    bench.click("say", text="done")
    assert rings == ["mount's", "mount's"]


def test_restored_runs_last_and_only_then(site: Open) -> None:
    """Where a view fills what it doesn't keep: here a stream that a handler had begun."""

    def restored(view: Any) -> None:
        view.text = f"back with {view.count} at {view.params}"

    bench = site(on_restored=restored)
    bench.click("add", by=3)
    assert "back" not in bench.html

    bench.reconnect()

    assert "back with 3 at" in bench.html


def test_work_goes_on_without_its_page_which_hears_the_end_when_it_is_back(site: Open) -> None:
    going, gate = threading.Event(), threading.Event()

    def work() -> str:
        going.set()
        gate.wait(30)
        return "the end"

    def result(view: Any, name: str, told: Any) -> None:
        view.text = f"{name}: {told.value or type(told.error).__name__}"

    bench = site(on_run=lambda view: view.start_async("import", work), on_result=result)
    bench.click("run")
    assert going.wait(30)
    bench.drop_connection()
    gate.set()

    bench.reconnect()

    bench.wait_html("import: the end")


def test_work_of_a_process_that_has_ended_is_told_as_lost(site: Open) -> None:
    gate = threading.Event()

    def result(view: Any, name: str, told: Any) -> None:
        view.text = f"{name}: {type(told.error).__name__}"

    bench = site(on_run=lambda view: view.start_async("import", lambda: gate.wait(30)), on_result=result)
    bench.click("run")
    bench.drop_connection()
    process.begin()  # a crash

    bench.reconnect()

    bench.wait_html("import: Lost")
    gate.set()
