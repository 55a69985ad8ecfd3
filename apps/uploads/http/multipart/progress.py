"""How far a form's body has come, for polling: kept in the shared cache, under a key that belongs to its visitor."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import OrderedDict
from functools import partial
from typing import Any, Final

from django.utils.crypto import salted_hmac

from liveview import shared_cache
from liveview.core.limits import Bucket
from liveview.process import here
from uploads import threads
from uploads.http.shared.asgi import Receive

KEPT: Final = 600  # seconds after which progress that nobody ended is forgotten
SAVE_EVERY: Final = 0.2  # seconds
POLLS: Final = (2.0, 20.0)  # per second, and at once, for one upload
MAX_POLLERS: Final = 10_000

_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class Polls:
    """How often each upload's progress is asked for."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str) -> bool:
        bucket = self._buckets.pop(key, None) or Bucket(*POLLS)
        self._buckets[key] = bucket
        while len(self._buckets) > MAX_POLLERS:
            self._buckets.popitem(last=False)
        return bucket.take()


def key_of(owner: str, address: str, progress_id: str) -> str | None:
    """None for an invalid id. Without an owner it is the seed's: the client's address and the id."""
    if not _ID.fullmatch(progress_id):
        return None
    whose = owner or f"address:{address}"
    return (
        "uploads.progress." + salted_hmac("uploads.progress", f"{whose}\n{progress_id}", algorithm="sha256").hexdigest()
    )


def look(key: str) -> Any:
    """`{"uploaded": …, "length": …}` in bytes, or None if it is done, unknown or not the visitor's. Blocks."""
    return shared_cache.get(key)


def may_poll(key: str) -> bool:
    """A few times at once, and twice a second in the long run."""
    return here(Polls).take(key)


class Counter:
    """Counts a body as it passes on its way to the application, and tells the cache now and then."""

    def __init__(self, receive: Receive, key: str, length: int) -> None:
        self._receive, self._key, self._length = receive, key, length
        self._received = 0
        self._is_over = asyncio.Event()
        self._saving: asyncio.Future[None] | None = None
        self._is_forgotten = False

    async def __call__(self) -> dict[str, Any]:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._saving is None or self._saving.done():
            self._saving = asyncio.ensure_future(self._save())
        return message

    async def end(self) -> None:
        """From now on polls are told that it is done: called before the answer, and again if there was none."""
        self._is_over.set()
        if self._is_forgotten:
            return
        if self._saving is not None:
            await asyncio.wait([self._saving])
        await threads.check(partial(shared_cache.forget, self._key))
        self._is_forgotten = True

    async def _save(self) -> None:
        """Updates the cache, again as long as there is news."""
        told = -1
        while told != self._received and not self._is_over.is_set():
            told = self._received
            await threads.check(partial(shared_cache.put, self._key, {"uploaded": told, "length": self._length}, KEPT))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), SAVE_EVERY)
