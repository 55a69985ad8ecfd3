"""Broadcasts: within a process, between processes, and with a Redis that goes and comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from channels.layers import get_channel_layer

from liveview import pubsub
from liveview.testing import LivePage, ServerSaid
from liveview.tests.processes import until
from liveview.tests.redis import Redis
from liveview.tests.server import Server, Visitor

Open = Callable[..., LivePage]


# -- Within a process


def test_a_broadcast_reaches_everyone_in_the_room_and_nobody_else(site: Open) -> None:
    here, there, elsewhere = site("/room/lobby/"), site("/room/lobby/"), site("/room/attic/")

    here.click("say", text="ü😀")

    there.wait_html("ü😀")
    here.wait_html("ü😀")
    elsewhere.click("say", text="only here")
    elsewhere.wait_html("only here")
    assert "ü😀" not in elsewhere.html


def test_nothing_is_missed_between_subscribing_and_the_first_paint(site: Open) -> None:
    heard: list[str] = []

    def mount(view: Any) -> None:
        if view.connected:
            view.subscribe("x")
            pubsub.broadcast("x", {"text": "while it mounts"})

    site(on_mount=mount, on_info=lambda view, topic, message: heard.append(message["text"]))

    until(lambda: heard == ["while it mounts"])


def test_a_handler_that_raises_has_not_subscribed(site: Open) -> None:
    def run(view: Any) -> None:
        view.subscribe("x")
        raise RuntimeError

    bench = site(on_run=run)
    with pytest.raises(ServerSaid):
        bench.click("run")

    layer: Any = get_channel_layer()
    assert pubsub.group("x") not in layer.groups


def test_an_async_handler_may_subscribe(site: Open) -> None:
    async def run(view: Any) -> None:
        view.subscribe("x")

    heard: list[Any] = []
    bench = site(on_run=run, on_info=lambda view, topic, message: heard.append(message))
    bench.click("arun")

    pubsub.broadcast("x", {})

    until(lambda: heard == [{}])


def test_who_has_left_the_room_hears_nothing(site: Open) -> None:
    here, there = site("/room/lobby/"), site("/room/lobby/")
    there.click("leave")

    here.click("say", text="hello")

    here.wait_html("hello")
    there.click("leave")
    assert "hello" not in there.html


def test_any_synchronous_code_can_broadcast(site: Open) -> None:
    room = site("/room/lobby/")

    pubsub.broadcast("room:lobby", {"text": "from the test"})
    room.wait_html("from the test")

    worker = threading.Thread(target=pubsub.broadcast, args=("room:lobby", {"text": "from a thread"}))
    worker.start()
    worker.join()
    room.wait_html("from a thread")


def test_a_handler_may_broadcast_right_away(site: Open) -> None:
    room = site("/room/lobby/")
    bench = site(on_run=lambda view: pubsub.broadcast("room:lobby", {"text": "at once"}))

    bench.click("run")

    room.wait_html("at once")


def test_an_async_handler_uses_the_async_one(site: Open) -> None:
    async def run(view: Any) -> None:
        await pubsub.abroadcast("room:lobby", {"text": "awaited"})
        with pytest.raises(RuntimeError, match="abroadcast"):
            pubsub.broadcast("room:lobby", {"text": "never"})

    room = site("/room/lobby/")
    bench = site(on_run=run)

    bench.click("arun")

    room.wait_html("awaited")
    assert "never" not in room.html


def test_a_form_without_javascript_broadcasts_too(site: Open) -> None:
    room = site("/room/lobby/")

    room.client.post("/forms/", {"_event": "tell", "name": "by post"})

    room.wait_html("by post")


def test_what_is_broadcast_must_be_json_and_arrives_as_json(site: Open) -> None:
    heard: list[Any] = []
    bench = site(
        on_mount=lambda view: view.subscribe("x"),
        on_info=lambda view, topic, message: heard.append((topic, message)),
        on_run=lambda view: view.broadcast("x", {"pair": (1, 2)}),
    )
    bench.click("run")
    until(lambda: heard)
    assert heard == [("x", {"pair": [1, 2]})]

    with pytest.raises(TypeError):
        pubsub.broadcast("x", {"thing": object()})
    wrong = site(on_run=lambda view: view.broadcast("x", {"thing": object()}))
    with pytest.raises(ServerSaid, match="server_error"):
        wrong.click("run")


def test_a_view_that_fails_on_a_broadcast_is_told_and_goes_on(site: Open) -> None:
    def fail(view: Any, topic: str, message: Any) -> None:
        raise RuntimeError

    bench = site(on_mount=lambda view: view.subscribe("x"), on_info=fail)

    pubsub.broadcast("x", {})

    assert bench.wait_for("error")["code"] == "server_error"
    bench.click("add")


def test_a_broadcast_meets_a_closing_socket_without_harm(site: Open, errors: Callable[[], str]) -> None:
    bench = site(on_mount=lambda view: view.subscribe("x"))
    stop = threading.Event()

    def storm() -> None:
        while not stop.is_set():
            pubsub.broadcast("x", {})

    worker = threading.Thread(target=storm)
    worker.start()
    for _ in range(5):
        bench.reconnect()
    bench.drop_connection()
    stop.set()
    worker.join()

    layer: Any = get_channel_layer()
    assert pubsub.group("x") not in layer.groups
    assert errors() == ""


def test_without_a_channel_layer_nothing_breaks(site: Open, settings: Any) -> None:
    settings.CHANNEL_LAYERS = {}
    room = site("/room/lobby/")

    room.click("say", text="to nobody")
    pubsub.broadcast("room:lobby", {"text": "to nobody"})
    room.click("leave")

    assert "nobody" not in room.html


# -- Two processes


def test_a_broadcast_reaches_the_other_process_and_survives_redis_itself(
    server: Callable[..., Server], redis: Redis, visit: Callable[..., Visitor]
) -> None:
    one, other = server(redis_url=redis.url), server(redis_url=redis.url)
    here, there = visit(one, "/room/lobby/"), visit(other, "/room/lobby/")

    here.event("say", text="hello")
    there.wait_html("hello")
    here.wait_html("hello")

    redis.kill()
    here.event("say", text="to nobody")  # which fails quietly
    late = visit(one, "/room/lobby/")  # subscribes while there is no Redis
    redis.start()

    def everyone_hears() -> bool:
        here.event("say", text="again")
        for visitor in (there, late):
            visitor.send({"type": "html"})
            visitor.wait_for("html")
        return all("again" in visitor.html for visitor in (here, there, late))

    until(everyone_hears, every=0.1)
    assert "hello" in there.html  # the very view that was there before


def test_a_management_command_reaches_the_visitors(
    server: Callable[..., Server], redis: Redis, visit: Callable[..., Visitor]
) -> None:
    site = server(redis_url=redis.url)
    room = visit(site, "/room/lobby/")

    site.shell('from liveview.pubsub import broadcast; broadcast("room:lobby", {"text": "from the shell"})')

    room.wait_html("from the shell")
