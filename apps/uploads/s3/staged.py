"""Staged uploads in the bucket: the parts of one while it arrives, and then an object, until the application has it.

Their keys are below the prefix of uploads but unlike the keys of direct ones, so that the event of one is never
mistaken for that of a finished file. Everything here blocks and raises `UploadError("storage_unavailable")`.
"""

from __future__ import annotations

import io
import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from liveview.process import here
from uploads.errors import UploadError
from uploads.s3 import objects, tails
from uploads.s3.client import MISSING, bucket, client, code_of, translated
from uploads.s3.options import SMALLEST_PART, options
from uploads.s3.parts import PartThreads

FOLDER: Final = "staged/"  # after the prefix
BLOCK: Final = 1024 * 1024  # bytes read back at a time

GONE: Final = MISSING | {"NoSuchUpload"}  # what storages say of a multipart upload that is over

_ID: Final = re.compile(r"[0-9a-f]{32}")


def key_of(upload_id: str) -> str:
    return f"{options().prefix}{FOLDER}{upload_id}"


def part_size(size: int) -> int:
    """Bytes of every part but the last: as few as S3 takes, since what is short of a part is all that can be lost."""
    return max(SMALLEST_PART, -(-size // options().max_parts))


class Section(io.RawIOBase):
    """Bytes of a file on the disk, read as they are sent."""

    def __init__(self, path: Path, start: int, length: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._start, self._length, self._at = start, length, 0

    def __len__(self) -> int:
        return self._length

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, target: Any) -> int:
        view = memoryview(target)
        most = max(0, min(len(view), self._length - self._at))
        read = os.preadv(self._file.fileno(), [view[:most]], self._start + self._at) if most else 0
        self._at += read
        return read

    def close(self) -> None:
        if hasattr(self, "_file"):  # or there was no such file any more
            self._file.close()
        super().close()


class StagedParts:
    """The multipart upload of one file: parts of one size, read from the disk and sent a few at a time.

    Any that fails is sent again by the next `send`.
    """

    def __init__(self, upload_id: str, multipart: str, size: int) -> None:
        self.multipart, self.size = multipart, size
        self._named = {"Bucket": bucket(), "Key": key_of(upload_id), "UploadId": multipart}
        self._etags: dict[int, str] = {}  # of the parts that are there, by number
        self._prefix = 0  # how many of them are known to be there without a gap
        self._running: dict[int, Future[None]] = {}
        self._lock = threading.Lock()
        self._is_stopped = False
        self.failed_since: float | None = None  # on the monotonic clock, until one succeeds

    @property
    def end(self) -> int:
        """Bytes up to the first gap, if all parts are whole."""
        while self._prefix + 1 in self._etags:
            self._prefix += 1
        return self._prefix * self.size

    def measure(self, size: int) -> bool:
        """Asks the bucket what is there of a file of `size` bytes; False if there is no such multipart upload.

        A part of the wrong size, or behind a gap, will be replaced.
        """
        found: dict[int, str] = {}
        with translated():
            try:
                for page in client().get_paginator("list_parts").paginate(**self._named):
                    for part in page.get("Parts", ()):
                        number, left = part["PartNumber"], size - len(found) * self.size
                        if number == len(found) + 1 and part["Size"] == min(self.size, left) > 0:
                            found[number] = part["ETag"]
            except ClientError as failure:
                if code_of(failure) not in GONE:
                    raise
                return False
        self._etags, self._prefix = found, 0
        return True

    def send(self, path: Path, length: int, *, is_all: bool = False) -> None:
        """Sends what the file's first `length` bytes have beyond what is there. Doesn't wait.

        is_all: so long is the whole file: then what is left after the last whole part is sent as well.
        """
        with self._lock:
            if self._is_stopped:
                return
            number = self.end // self.size + 1
            while (start := (number - 1) * self.size) < length and len(self._running) < options().parallel_parts:
                size = min(self.size, length - start)
                is_due = size == self.size or is_all
                if is_due and number not in self._etags and number not in self._running:
                    future = here(PartThreads).submit(self._send, path, number, start, size)
                    self._running[number] = future
                number += 1

    def wait(self, seconds: float) -> None:
        """Until one more has ended, or for so long."""
        with self._lock:
            running = list(self._running.values())
        wait(running, seconds, FIRST_COMPLETED)

    def stop(self) -> None:
        """Sends no more. Returns when those under way have ended."""
        with self._lock:
            self._is_stopped = True
            running = [future for future in self._running.values() if not future.cancel()]
        wait(running)

    def complete(self, upload_id: str, size: int) -> bool:
        """False if parts aren't there any more as they were sent: another machine, which has lost the upload and
        didn't know yet, has sent them as well. They are due again then.
        """
        named = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(self._etags.items())]
        with translated():
            try:
                client().complete_multipart_upload(**self._named, MultipartUpload={"Parts": named})
            except ClientError as failure:
                if code_of(failure) == "InvalidPart" and self._drop_replaced():
                    return False
                # The response to an earlier attempt may have been lost.
                if code_of(failure) not in GONE or not is_whole(upload_id, size):
                    raise
        return True

    def _drop_replaced(self) -> bool:
        there: dict[int, str] = {}
        for page in client().get_paginator("list_parts").paginate(**self._named):
            there |= {part["PartNumber"]: part["ETag"] for part in page.get("Parts", ())}
        replaced = [number for number, etag in self._etags.items() if there.get(number) != etag]
        for number in replaced:
            del self._etags[number]
        self._prefix = 0
        return bool(replaced)

    def abort(self) -> None:
        with translated():
            try:
                client().abort_multipart_upload(**self._named)
            except ClientError as failure:
                if code_of(failure) not in GONE:
                    raise

    def _send(self, path: Path, number: int, start: int, size: int) -> None:
        try:
            with Section(path, start, size) as body, translated():
                answer = client().upload_part(**self._named, PartNumber=number, Body=body)
        except (UploadError, OSError):
            self.failed_since = self.failed_since or time.monotonic()
        else:
            self.failed_since = None
            self._etags[number] = answer["ETag"]
        finally:
            with self._lock:
                self._running.pop(number, None)


def begin(upload_id: str, content_type: str) -> str:
    """A new multipart upload; S3's id of it."""
    with translated():
        made = client().create_multipart_upload(Bucket=bucket(), Key=key_of(upload_id), ContentType=content_type)
        multipart: str = made["UploadId"]
        return multipart


def put(upload_id: str, path: Path, size: int, content_type: str) -> None:
    """A file that is short of a part, in one go."""
    with Section(path, 0, size) as body, translated():
        client().put_object(Bucket=bucket(), Key=key_of(upload_id), Body=body, ContentType=content_type)


def is_whole(upload_id: str, size: int) -> bool:
    found = objects.head(key_of(upload_id))
    return found is not None and found.size == size


def read(upload_id: str, end: int) -> Iterator[bytes]:
    """The first `end` bytes of a whole upload."""
    with translated():
        asked = {"Bucket": bucket(), "Key": key_of(upload_id), "Range": f"bytes=0-{end - 1}"}
        try:
            yield from client().get_object(**asked)["Body"].iter_chunks(BLOCK)
        except ClientError as failure:
            if code_of(failure) in MISSING:
                raise UploadError("unknown_ref") from None
            raise


def listed() -> Iterator[tuple[str, datetime]]:
    """The ids of uploads that are whole, and when they were stored."""
    folder = f"{options().prefix}{FOLDER}"
    with translated():
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket(), Prefix=folder):
            for item in page.get("Contents", ()):
                name = item["Key"].removeprefix(folder)
                if _ID.fullmatch(name):
                    yield name, item["LastModified"]


def remove(upload_id: str, parts: StagedParts | None) -> None:
    """Everything of it, whether it is whole or not."""
    if parts is not None:
        parts.stop()
        parts.abort()
    tails.delete_all(upload_id)
    objects.delete(key_of(upload_id))
