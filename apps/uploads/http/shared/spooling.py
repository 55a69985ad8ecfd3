"""Spools a body that must be complete before any of it counts."""

from __future__ import annotations

import hashlib
import hmac
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import IO, Final, cast

from uploads import threads
from uploads.conf import conf
from uploads.entries.quotas import Awaited
from uploads.errors import UploadError
from uploads.http.shared.headers import Checksum
from uploads.http.shared.pumping import Pump
from uploads.http_errors import refusal

IN_MEMORY: Final = 1024 * 1024  # bytes; a longer body waits in an unnamed file, gone with this process
BLOCK: Final = 256 * 1024


@asynccontextmanager
async def spooled(
    body: AsyncIterator[bytes], most: int, owner: str, checksum: Checksum | None = None
) -> AsyncIterator[IO[bytes]]:
    """The complete body as a file, at its beginning. Its bytes are reserved on the disk before any of them is read.

    Raises `UploadError`: `too_large` for more than `most` bytes, `storage_full`, `busy`, `checksum_mismatch`. A body
    that is cut off can't be checked: nothing of it counts.
    """
    digest, length = hashlib.new(checksum.algorithm if checksum else "sha1", usedforsecurity=False), 0
    with Awaited(owner) as room:
        if most > IN_MEMORY:
            await threads.check(partial(room.reserve, most))
        file = await threads.write(_open)
        try:
            pump = Pump(partial(_write, file, digest if checksum else None))
            try:
                async for piece in body:
                    length += len(piece)
                    if length > most:
                        raise UploadError("too_large")
                    await pump.feed(piece)
                    room.written(len(piece))
            finally:
                await pump.drain()
            if checksum is not None and not hmac.compare_digest(digest.digest(), checksum.digest):
                raise refusal("checksum_mismatch")
            await threads.write(partial(file.seek, 0))
            yield file
        finally:
            file.close()


async def verified(body: AsyncIterator[bytes], checksum: Checksum, most: int, owner: str) -> AsyncIterator[bytes]:
    """The body once it is known to match its checksum. Raises as `spooled` does."""
    async with spooled(body, most, owner, checksum) as file:
        while block := await threads.write(partial(file.read, BLOCK)):
            yield block


def _open() -> IO[bytes]:
    folder = conf().staging_dir
    folder.mkdir(0o700, parents=True, exist_ok=True)
    return cast(IO[bytes], tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(folder)))


def _write(file: IO[bytes], digest: hashlib._Hash | None, batch: list[bytes]) -> None:
    try:
        for piece in batch:
            if digest is not None:
                digest.update(piece)
            file.write(piece)
    except OSError:
        raise UploadError("storage_full") from None
