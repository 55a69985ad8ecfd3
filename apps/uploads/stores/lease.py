"""Renews a lease while nothing arrives because the server is busy."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from liveview import threads

logger = logging.getLogger("uploads")


@contextlib.asynccontextmanager
async def renewed(renew: Callable[[], object], seconds: float) -> AsyncIterator[None]:
    """Calls `renew`, which blocks, three times in `seconds`. Afterwards no call of it is under way."""
    over = asyncio.Event()
    renewing = asyncio.ensure_future(_renew(renew, seconds, over))
    try:
        yield
    finally:
        over.set()
        await asyncio.shield(renewing)


async def _renew(renew: Callable[[], object], seconds: float, over: asyncio.Event) -> None:
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), seconds / 3)
            return
        try:
            await threads.run(renew)
        except Exception:  # noqa: BLE001  (whatever the store's driver raises)
            logger.warning("could not renew upload lease", exc_info=True)
