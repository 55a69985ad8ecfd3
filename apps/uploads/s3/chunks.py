"""A file that comes in numbered chunks, each an object of its own in the bucket: any machine takes the next one.

Which are here is what the bucket lists. All functions block and raise `UploadError("storage_unavailable")`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Final

from uploads.errors import UploadError
from uploads.http_errors import refusal
from uploads.s3 import objects
from uploads.s3.client import bucket, client, translated
from uploads.s3.options import options

FOLDER: Final = "chunks/"  # after the prefix
BLOCK: Final = 1024 * 1024  # bytes read back at a time

_KEY: Final = re.compile(r"([0-9a-f]{32})/(\d{5})")


class ChunkObjects:
    """The chunks of one upload. See `uploads.staging.choice.Chunks`.

    since: a time; what is older is of an upload of the same name that has expired.
    """

    is_on_disk = False

    def __init__(self, upload_id: str, count: int, chunk_size: int, since: float) -> None:
        self._id, self._count, self._chunk_size = upload_id, count, chunk_size
        self._since = datetime.fromtimestamp(since, UTC)

    def has(self, index: int) -> bool:
        return bool(self._listed(f"{index:05}"))

    def place(self, index: int, chunk_size: int, chunk: IO[bytes]) -> int:
        if chunk_size != self._chunk_size:
            raise refusal("bad_body")
        if not self.has(index):
            self._put(index, chunk)
        return len(self._listed())  # with those that others have placed meanwhile

    def place_last(self, index: int, length: int, most: int, chunk: IO[bytes]) -> int:
        if length > self._chunk_size:
            raise refusal("bad_body")
        if index * self._chunk_size + length > most:
            raise UploadError("too_large")
        return self.place(index, self._chunk_size, chunk)

    def seal(self) -> int:
        sizes = self._listed()
        whole = [sizes.get(index) == self._chunk_size for index in range(self._count - 1)]
        if not all(whole) or self._count - 1 not in sizes:
            raise UploadError("unknown_ref")
        return sum(sizes.values())

    def pieces(self, offset: int) -> Iterator[bytes]:
        for index in range(self._count):
            begins = index * self._chunk_size
            if offset < begins + self._chunk_size:
                yield from self._read(index, max(0, offset - begins))

    def remove(self) -> None:
        remove(self._id)

    def _listed(self, number: str = "") -> dict[int, int]:
        """Sizes in bytes, by number."""
        found = listed(f"{self._id}/{number}")
        return {index: size for _id, index, size, stored in found if stored >= self._since}

    def _put(self, index: int, chunk: IO[bytes]) -> None:
        with translated():
            client().put_object(Bucket=bucket(), Key=_key(self._id, index), Body=chunk)

    def _read(self, index: int, start: int) -> Iterator[bytes]:
        with translated():
            answer = client().get_object(Bucket=bucket(), Key=_key(self._id, index), Range=f"bytes={start}-")
            yield from answer["Body"].iter_chunks(BLOCK)


def listed(beginning: str = "") -> Iterator[tuple[str, int, int, datetime]]:
    """Upload, number, bytes and time of the chunks whose names begin so."""
    folder = f"{options().prefix}{FOLDER}"
    with translated():
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket(), Prefix=folder + beginning):
            for item in page.get("Contents", ()):
                match = _KEY.fullmatch(item["Key"].removeprefix(folder))
                if match:
                    yield match[1], int(match[2]), item["Size"], item["LastModified"]


def remove(upload_id: str) -> None:
    for _id, index, _size, _stored in list(listed(f"{upload_id}/")):
        objects.delete(_key(upload_id, index))


def _key(upload_id: str, index: int) -> str:
    return f"{options().prefix}{FOLDER}{upload_id}/{index:05}"
