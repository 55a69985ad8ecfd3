"""Work beside a page, and a handler that shows what it has so far."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from liveview.background import AT_ONCE
from liveview.testing import LivePage, ServerSaid
from liveview.tests.processes import until

Open = Callable[..., LivePage]


def result(view: Any, name: str, told: Any) -> None:
    view.items = [*view.items, f"{name}:{'done' if told.done else 'so far'}:{told.value}:{told.error!r}"]


def ran(site: Open, function: Callable[[], Any], name: str = "job") -> LivePage:
    bench = site(on_run=lambda view: view.start_async(name, function), on_result=result)
    bench.click("run")
    return bench


async def later() -> int:
    await asyncio.sleep(0)
    return 7


@pytest.mark.parametrize("function", [lambda: 7, later], ids=["thread", "async"])
def test_a_result_is_told_to_the_view(site: Open, function: Callable[[], Any]) -> None:
    ran(site, function).wait_html("job:done:7:None")


def test_the_page_goes_on_meanwhile(site: Open) -> None:
    gate = threading.Event()
    bench = ran(site, lambda: gate.wait(30))

    bench.click("add", by=2)

    assert "count=2" in bench.html
    gate.set()
    bench.wait_html("job:done:True")


async def failing() -> None:
    raise ValueError("no such file")


def fails() -> None:
    raise ValueError("no such file")


@pytest.mark.parametrize("function", [fails, failing], ids=["thread", "async"])
def test_an_error_is_told_and_logged(site: Open, function: Callable[[], Any], errors: Callable[[], str]) -> None:
    ran(site, function).wait_html("job:done:None:ValueError")
    assert "background work 'job' failed" in errors()


def test_work_that_gets_no_thread_has_failed_and_leaves_its_place_to_others(
    site: Open, monkeypatch: pytest.MonkeyPatch, errors: Callable[[], str]
) -> None:
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("liveview-job"):
            raise RuntimeError("can't start new thread")
        begin(thread)

    bench = site(
        on_run=lambda view: [view.start_async(f"job{number}", lambda: 7) for number in range(AT_ONCE)],
        on_result=result,
    )
    with monkeypatch.context() as none_left:
        none_left.setattr("liveview.background.threading.Thread.start", start)
        bench.click("run")
        for number in range(AT_ONCE):
            bench.wait_html(f"job{number}:done:None:RuntimeError")

    bench.click("run")
    bench.wait_html("job0:done:7:None")
    assert "background work 'job0' failed" in errors()


def test_one_page_leaves_half_of_the_places_to_others(site: Open) -> None:
    go_on, begun = threading.Event(), []

    def work() -> int:
        begun.append(1)
        go_on.wait(30)
        return 7

    greedy = site(
        on_run=lambda view: [view.start_async(f"job{number}", work) for number in range(2 * AT_ONCE)], on_result=result
    )
    greedy.click("run")
    until(lambda: len(begun) == AT_ONCE // 2)
    try:
        client = Client()
        client.force_login(User.objects.create_user("ada"))
        other = ran(partial(site, client=client), lambda: 8)
        other.wait_html("job:done:8:None")
        assert len(begun) == AT_ONCE // 2
    finally:
        go_on.set()
    greedy.wait_html(f"job{2 * AT_ONCE - 1}:done:7:None")


def test_what_is_yielded_is_shown_before_the_end(site: Open) -> None:
    seen = threading.Event()

    def steps() -> Iterator[int]:
        yield 1
        seen.wait(30)
        return 9

    bench = ran(site, steps)
    bench.wait_html("job:so far:1:None")
    seen.set()
    bench.wait_html("job:done:9:None")


def test_and_of_an_async_generator(site: Open) -> None:
    seen = threading.Event()

    async def steps() -> AsyncIterator[int]:
        yield 1
        await asyncio.to_thread(seen.wait, 30)
        yield 2

    bench = ran(site, steps)
    bench.wait_html("job:so far:1:None")
    seen.set()
    bench.wait_html("job:done:2:None")


def test_thousands_of_values_are_told_a_few_times(site: Open) -> None:
    def steps() -> Iterator[int]:
        yield from range(20_000)

    bench = ran(site, steps)
    bench.wait_html("job:done")
    assert bench.html.count("so far") < 200


def test_cancelled_work_ends_at_its_next_yield_and_says_no_more(site: Open) -> None:
    ended, going = threading.Event(), threading.Event()

    def steps() -> Iterator[int]:
        try:
            while True:
                going.set()
                yield 1
        finally:
            ended.set()

    def run(view: Any) -> None:
        if going.is_set():
            view.cancel_async("job")
        else:
            view.start_async("job", steps)

    bench = site(on_run=run, on_result=result)
    bench.click("run")
    assert going.wait(30)
    bench.click("run")
    assert ended.wait(30)
    bench.click("add")
    assert "job:done" not in bench.html


def test_work_of_the_same_name_takes_the_place_of_what_runs(site: Open) -> None:
    gate = threading.Event()
    works = iter([lambda: gate.wait(30), lambda: "second"])
    bench = site(on_run=lambda view: view.start_async("job", next(works)), on_result=result)
    bench.click("run")
    bench.click("run")
    bench.wait_html("job:done:second")
    gate.set()
    bench.click("add")
    assert "True" not in bench.html


def test_a_handler_that_fails_starts_nothing(site: Open) -> None:
    started = threading.Event()

    def run(view: Any) -> None:
        view.start_async("job", started.set)
        raise RuntimeError("as asked")

    bench = site(on_run=run)
    with pytest.raises(ServerSaid):
        bench.click("run")
    bench.click("add")
    assert not started.is_set()


def test_a_page_takes_up_its_work_while_its_old_socket_still_seems_to_be_there(site: Open) -> None:
    gate = threading.Event()
    bench = ran(site, lambda: gate.wait(30))
    lost, again = bench, LivePage(bench.url, bench.client)
    again.snapshot = bench.snapshot

    again.connect()
    assert again.restored
    lost.drop_connection()
    gate.set()
    again.wait_html("job:")
    again.drop_connection()

    assert "job:done:True:None" in again.html


# -- Showing what there is so far


def test_a_handler_shows_the_page_before_it_has_finished(site: Open) -> None:
    gate = threading.Event()

    def run(view: Any) -> None:
        view.count = 1
        view.push_event("half", {})
        view.render_now()
        gate.wait(30)
        view.count = 2

    bench = site(on_run=run)
    bench.send({"type": "event", "ref": 99, "name": "run", "params": {}})
    bench.wait_html("count=1")
    bench.wait_for("push")
    gate.set()
    bench.wait_html("count=2")


def test_what_was_shown_stays_when_the_handler_fails_and_the_rest_goes(site: Open) -> None:
    def run(view: Any) -> None:
        view.count = 1
        view.render_now()
        view.count = 2
        raise RuntimeError("as asked")

    bench = site(on_run=run)
    with pytest.raises(ServerSaid):
        bench.click("run")
    assert "count=1" in bench.html
    bench.click("add", by=10)
    assert "count=11" in bench.html
    bench.reconnect()
    assert "count=11" in bench.html


def test_a_handler_that_says_so_isnt_followed_by_a_render(site: Open) -> None:
    def run(view: Any) -> None:
        view.count += 1
        view.push_event("noted", {})
        view.skip_render()

    bench = site(on_run=run)
    bench.click("run")
    assert "push" in [message["type"] for message in bench.received]
    assert "count=0" in bench.html
    bench.click("add", by=10)  # which says nothing of the kind
    assert "count=11" in bench.html


def test_what_a_failed_handler_said_of_its_render_is_forgotten(site: Open) -> None:
    def run(view: Any) -> None:
        view.skip_render()
        raise RuntimeError("as asked")

    bench = site(on_run=run)
    with pytest.raises(ServerSaid):
        bench.click("run")
    bench.click("add", by=10)
    assert "count=10" in bench.html


def test_an_async_handler_is_told_that_it_can_not(site: Open, errors: Callable[[], str]) -> None:
    raised: list[str] = []

    async def run(view: Any) -> None:
        try:
            view.render_now()
        except RuntimeError as refused:
            raised.append(str(refused))

    bench = site(on_run=run)
    bench.click("arun")
    assert "start_async" in raised[0]


def test_a_visitor_who_leaves_ends_the_work_after_a_while(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from liveview import background

    monkeypatch.setattr(background, "GRACE", 0.0)
    ended, going = threading.Event(), threading.Event()

    def steps() -> Iterator[int]:
        try:
            while True:
                going.set()
                yield 1
        finally:
            ended.set()

    bench = ran(site, steps)
    assert going.wait(30)
    bench.drop_connection()

    until(ended.is_set)
