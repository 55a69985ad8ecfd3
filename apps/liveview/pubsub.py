"""Topics over the channel layer, for views (`LiveView.broadcast`) and for everything else.

At most once: who isn't there, or whose layer is away, misses a message. Nobody's request fails because of that.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from liveview.encoding import encode
from liveview.process import here

logger = logging.getLogger("liveview")

TYPE = "liveview.info"
PATIENCE = 5.0  # seconds that the layer's server may take


class _Home:
    """The event loop on which this process's sockets live."""

    loop: asyncio.AbstractEventLoop | None = None


def group(topic: str) -> str:
    """Channel layers allow few characters and a hundred of them; topics are free."""
    return "liveview." + hashlib.sha256(topic.encode()).hexdigest()[:40]


def settle(loop: asyncio.AbstractEventLoop) -> None:
    """This process's sockets live on `loop`."""
    here(_Home).loop = loop


async def abroadcast(topic: str, message: dict[str, Any]) -> None:
    """Tells every view that subscribed to `topic`. Raises `TypeError` or `ValueError` if `message` isn't JSON."""
    await _send(topic, encode(message))


def broadcast(topic: str, message: dict[str, Any]) -> None:
    """`abroadcast` for synchronous code: a signal, a task, a management command."""
    encoded = encode(message)
    home = here(_Home).loop
    if home is None or not home.is_running():
        async_to_sync(_send)(topic, encoded)
    elif _running_loop() is home:
        raise RuntimeError("broadcast would stop the event loop here: use `await abroadcast(…)`.")
    else:
        # The layer in memory wakes only those who wait on the loop that it is called on.
        asyncio.run_coroutine_threadsafe(_send(topic, encoded), home).result()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _send(topic: str, encoded: str) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await layer.group_send(group(topic), {"type": TYPE, "topic": topic, "message": encoded})
    except Exception:  # noqa: BLE001  (whatever the layer's driver raises)
        logger.warning("a broadcast was lost: the channel layer did not answer", exc_info=True)
