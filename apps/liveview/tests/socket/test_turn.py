"""A turn is all or nothing: a handler that raises leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from liveview.core.effects import Effect
from liveview.socket import turn as turns
from liveview.socket.turn import Screen, Turn
from liveview.testing import Closed, LivePage, ServerSaid

Open = Callable[..., LivePage]


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


def test_a_handler_that_shows_something_ends_with_the_server() -> None:
    """Nobody would ever tell its thread, and a process waits for its threads before it ends."""
    loop, is_sending = asyncio.new_event_loop(), threading.Event()
    effects: list[Effect] = []

    async def emit(_turn: Turn) -> None:
        is_sending.set()
        await asyncio.Event().wait()

    server = threading.Thread(target=loop.run_forever)
    server.start()
    with ThreadPoolExecutor() as pool:
        handler = pool.submit(turns._wait_for, loop, emit, Turn(None, Screen(), [], effects))
        assert is_sending.wait(30)
        loop.call_soon_threadsafe(loop.stop)
        server.join()

        with pytest.raises(RuntimeError, match="stopped"):
            handler.result(30)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
