"""What a socket still has to send, how much of it there may be, and who waits until there is less.

A browser that reads slowly, or not at all, must not fill the server's memory. The output of turns can wait: a view
takes no turn while the output of earlier ones is still queued. Immediate answers (a heartbeat, the progress of an
upload) can't wait; a browser that keeps asking for them and reads none is disconnected.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, TypeAlias

from liveview.core.messages import Message
from liveview.encoding import encode

Event: TypeAlias = dict[str, Any]

ENOUGH: Final = 256 * 1024  # bytes above which the next turn has to wait
MOST: Final = 4 * 1024 * 1024  # bytes of answers
OVERHEAD: Final = 256  # bytes of memory around the smallest message


class _Item(NamedTuple):
    event: Event
    weight: int = 0
    is_answer: bool = False


class Outbox:
    """Sends in order. For the event loop only.

    `overrun` is called instead of queueing one answer too many. After a close, nothing more is accepted.
    """

    def __init__(self, overrun: Callable[[], None]) -> None:
        self.is_closed = False
        self._overrun = overrun
        self._has_room = asyncio.Event()
        self.clear()

    def tell(self, message: Message) -> None:
        """A message of a turn, as large as the application makes it. The next turn waits until it is sent."""
        self._put(message, is_answer=False)

    def answer(self, message: Message) -> None:
        """An immediate answer, which no turn waits for."""
        if self._answers > MOST and not self.is_closed:
            self._overrun()
        else:
            self._put(message, is_answer=True)

    def close(self, code: int) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._items.put_nowait(_Item({"type": "websocket.close", "code": code}))

    def end(self) -> None:
        """The socket is gone."""
        self.is_closed = True
        self.clear()

    def clear(self) -> None:
        """Drops what is queued, and lets turns go on."""
        self._items: asyncio.Queue[_Item] = asyncio.Queue()
        self._waiting = self._answers = 0
        self._has_room.set()

    async def has_room(self) -> None:
        """Returns when a turn may be taken."""
        await self._has_room.wait()

    async def send_all(self, send: Callable[[Event], Awaitable[None]]) -> None:
        """Runs until it is cancelled. `send` returns when the network has taken an event."""
        while True:
            item = await self._items.get()
            await send(item.event)
            self._count(item, -item.weight)

    def _put(self, message: Message, *, is_answer: bool) -> None:
        if self.is_closed:
            return
        text = encode(message)
        item = _Item({"type": "websocket.send", "text": text}, sys.getsizeof(text) + OVERHEAD, is_answer)
        self._items.put_nowait(item)
        self._count(item, item.weight)

    def _count(self, item: _Item, weight: int) -> None:
        self._waiting += weight
        self._answers += weight * item.is_answer
        if self._waiting > ENOUGH:
            self._has_room.clear()
        else:
            self._has_room.set()
