"""A socket's subscriptions in the channel layer, and what arrives on them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from channels.layers import get_channel_layer

from liveview import pubsub

logger = logging.getLogger("liveview")

RETRY = 1.0  # seconds between attempts while the layer's server is down
REFRESH = 3600.0  # seconds; layers forget members of groups after a day
PATIENCE = 2.0  # seconds that a turn waits for the layer

Deliver = Callable[[str, dict[str, Any]], Awaitable[None]]


class Subscriptions:
    """Opened at the first subscription. When the layer's server comes back from a crash, topics are joined again."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._topics: set[str] = set()
        self._joined: set[str] = set()
        self._to_join = asyncio.Event()
        self._channel = ""
        self._tasks: list[asyncio.Task[None]] = []

    async def subscribe(self, topic: str) -> None:
        """Returns when the topic is joined, or when that has to wait until the layer responds again."""
        layer = get_channel_layer()
        if topic in self._topics or layer is None or self._is_closed:
            return
        self._topics.add(topic)
        if not self._tasks:
            self._channel = await layer.new_channel()
            self._tasks = [asyncio.ensure_future(work(layer)) for work in (self._receive, self._stay_joined)]
        if not await self._join(layer, topic):
            self._to_join.set()

    def subscribe_now(self, topic: str) -> bool:
        """From a handler's thread: joined when this returns. False if already subscribed."""
        if topic in self._topics:
            return False
        asyncio.run_coroutine_threadsafe(self.subscribe(topic), self._loop).result()
        return True

    def unsubscribe_now(self, topic: str) -> None:
        asyncio.run_coroutine_threadsafe(self.unsubscribe(topic), self._loop).result()

    async def unsubscribe(self, topic: str) -> None:
        layer = get_channel_layer()
        if topic in self._topics and layer is not None:
            self._topics.discard(topic)
            self._joined.discard(topic)
            await self._answers(layer.group_discard(pubsub.group(topic), self._channel))

    async def close(self) -> None:
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        await self.leave_all()

    async def leave_all(self) -> None:
        await asyncio.gather(*map(self.unsubscribe, list(self._topics)))

    async def _receive(self, layer: Any) -> None:
        while True:
            try:
                message = await layer.receive(self._channel)
            except Exception:  # noqa: BLE001  (whatever the layer's driver raises)
                # A server that was restarted has forgotten its groups.
                logger.warning("channel layer unavailable, retrying", exc_info=True)
                self._joined.clear()
                self._to_join.set()
                await asyncio.sleep(RETRY)
                continue
            if message.get("type") == pubsub.TYPE and message["topic"] in self._topics:
                await self._deliver(message["topic"], json.loads(message["message"]))

    async def _stay_joined(self, layer: Any) -> None:
        while True:
            self._to_join.clear()
            for topic in self._topics - self._joined:
                if not await self._join(layer, topic):
                    self._to_join.set()
                    break
            if self._to_join.is_set():
                await asyncio.sleep(RETRY)
                continue
            try:
                async with asyncio.timeout(REFRESH):
                    await self._to_join.wait()
            except TimeoutError:
                self._joined.clear()

    async def _join(self, layer: Any, topic: str) -> bool:
        joined = await self._answers(layer.group_add(pubsub.group(topic), self._channel))
        if joined and topic in self._topics:
            self._joined.add(topic)
        return joined

    async def _answers(self, work: Awaitable[Any]) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await work
        except Exception:  # noqa: BLE001
            logger.warning("channel layer did not respond", exc_info=True)
            return False
        return True
