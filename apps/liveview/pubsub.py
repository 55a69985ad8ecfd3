"""Topics over the channel layer, for views (`LiveView.broadcast`) and for everything else.

Delivery is at most once: views that aren't connected miss a message, and all do while the layer is down. No request
fails because of that.
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

__all__ = ["abroadcast", "broadcast"]

logger = logging.getLogger("liveview")

TYPE = "liveview.info"
PATIENCE = 5.0  # seconds to wait for the layer's server


class _Home:
    """The event loop that serves this process's sockets."""

    loop: asyncio.AbstractEventLoop | None = None


def group(topic: str) -> str:
    """The group of a topic. Topics are any text; channel layers allow 100 characters from a small set."""
    return "liveview." + hashlib.sha256(topic.encode()).hexdigest()[:40]


def settle(loop: asyncio.AbstractEventLoop) -> None:
    """This process's sockets are served on `loop`."""
    here(_Home).loop = loop


async def abroadcast(topic: str, message: dict[str, Any]) -> None:
    """Sends to every view subscribed to `topic`. Raises `TypeError` or `ValueError` if `message` isn't JSON."""
    await _send(topic, encode(message))


def broadcast(topic: str, message: dict[str, Any]) -> None:
    """`abroadcast` for synchronous code: a signal, a task, a management command."""
    encoded = encode(message)
    home = here(_Home).loop
    if home is None or not home.is_running():
        async_to_sync(_send)(topic, encoded)
    elif _running_loop() is home:
        raise RuntimeError("broadcast would block the event loop here: use `await abroadcast(…)`.")
    else:
        # The in-memory layer only wakes receivers on the loop that it is called from.
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
        logger.warning("broadcast lost: the channel layer did not respond", exc_info=True)
