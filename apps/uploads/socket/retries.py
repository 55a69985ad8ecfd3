"""Uploads that something keeps from going on for a while, such as a storage that is away. They keep what they have."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from liveview.extensions import Link
from uploads.core import messages
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)  # seconds at most, and half of that at least

Attempt: TypeAlias = Callable[[], Awaitable[UploadError | None]]
"""Goes on with an upload, or says what keeps it from going on: an error that passes."""


class Retries:
    """Those of one socket, tried again by themselves and then whenever the visitor says so. On the event loop."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._trying: set[UploadEntry] = set()
        self._stuck: dict[str, tuple[UploadEntry, Attempt]] = {}  # by ref

    async def go_on(self, entry: UploadEntry, attempt: Attempt, failure: UploadError | None = None) -> None:
        """Makes attempts until one succeeds, or the upload is over. While that is under way, nothing else is tried.

        failure: of an attempt just before.
        """
        if entry in self._trying:
            return
        self._trying.add(entry)
        try:
            await self._try(entry, attempt, failure)
        finally:
            self._trying.discard(entry)

    def is_trying(self, entry: UploadEntry) -> bool:
        return entry in self._trying

    async def again(self, ref: str) -> None:
        """The visitor wants it to be tried again."""
        if ref in self._stuck:
            await self.go_on(*self._stuck.pop(ref))

    async def _try(self, entry: UploadEntry, attempt: Attempt, failure: UploadError | None) -> None:
        pauses = iter(PAUSES)
        while entry.is_open:
            failure = failure or await attempt()
            if failure is None or not entry.is_open:
                return
            pause = next(pauses, None)
            if pause is None:
                self._stuck[entry.ref] = entry, attempt
                self._link.send(messages.stuck(entry.ref, failure))
                return
            self._link.send(messages.delayed(entry.ref, failure))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (uploads that failed together)
            failure = None
