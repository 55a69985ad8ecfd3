"""Subscriptions while the channel layer fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from liveview import pubsub
from liveview.socket import subscriptions
from liveview.socket.subscriptions import Subscriptions


class Layer:
    """A channel layer whose server can be away, or not answer at all."""

    def __init__(self) -> None:
        self.is_away = False
        self.hangs = False
        self.refused = 0
        self.members: set[str] = set()
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.wake = asyncio.Event()

    async def new_channel(self) -> str:
        return "channel"

    async def group_add(self, group: str, channel: str) -> None:
        await self._answer()
        self.members.add(group)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._answer()
        self.members.discard(group)

    async def receive(self, channel: str) -> dict[str, Any]:
        await self._answer()
        getting, waking = asyncio.ensure_future(self.messages.get()), asyncio.ensure_future(self.wake.wait())
        await asyncio.wait({getting, waking}, return_when=asyncio.FIRST_COMPLETED)
        waking.cancel()
        if getting.done():
            return getting.result()
        getting.cancel()
        self.wake.clear()
        raise ConnectionError

    async def _answer(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_away:
            self.refused += 1
            raise ConnectionError

    def crash(self) -> None:
        """It is away from now on, and has forgotten everything when it is back."""
        self.is_away = True
        self.members.clear()
        self.wake.set()


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    made = Layer()
    monkeypatch.setattr(subscriptions, "get_channel_layer", lambda: made)
    monkeypatch.setattr(subscriptions, "RETRY", 0.01)
    monkeypatch.setattr(subscriptions, "PATIENCE", 0.05)
    return made


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  (it is what it is: nothing sets an event)
            await asyncio.sleep(0.005)


async def nothing(topic: str, message: dict[str, Any]) -> None:
    pass


async def test_a_subscription_while_the_layer_is_away_is_made_up_for(layer: Layer) -> None:
    box = Subscriptions(nothing)
    layer.is_away = True
    await box.subscribe("a")

    layer.is_away = False

    await eventually(lambda: pubsub.group("a") in layer.members)
    await box.close()
    assert layer.members == set()


async def test_so_is_one_among_others(layer: Layer) -> None:
    box = Subscriptions(nothing)
    await box.subscribe("a")
    await asyncio.sleep(0)
    layer.is_away = True
    await box.subscribe("b")

    layer.is_away = False

    await eventually(lambda: pubsub.group("b") in layer.members)
    await box.close()


async def test_a_layer_that_does_not_answer_stops_nobody_for_long(layer: Layer) -> None:
    box = Subscriptions(nothing)
    layer.hangs = True

    await asyncio.wait_for(box.subscribe("a"), 30)
    await asyncio.wait_for(box.unsubscribe("a"), 30)
    await asyncio.wait_for(box.close(), 30)


async def test_subscriptions_come_back_after_a_crash_whenever_the_layer_does(layer: Layer) -> None:
    heard: list[str] = []

    async def hear(topic: str, message: dict[str, Any]) -> None:
        heard.append(topic)

    box = Subscriptions(hear)
    await box.subscribe("a")
    await box.subscribe("b")
    for _ in range(3):
        layer.crash()
        layer.refused = 0
        await eventually(lambda: layer.refused > 2)
        layer.is_away = False
        await eventually(lambda: layer.members == {pubsub.group("a"), pubsub.group("b")})

    await layer.messages.put({"type": pubsub.TYPE, "topic": "b", "message": "{}"})

    await eventually(lambda: heard == ["b"])
    await box.close()


async def test_memberships_are_renewed_before_they_run_out(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "REFRESH", 0.01)
    box = Subscriptions(nothing)
    await box.subscribe("a")

    layer.members.clear()

    await eventually(lambda: layer.members)
    await box.close()
