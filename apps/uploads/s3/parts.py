"""Sends the parts of a multipart upload to S3, a few at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final

from liveview.process import here
from uploads.errors import UploadError
from uploads.s3.options import SMALLEST_PART, options

THREADS: Final = 16  # parts of all uploads of one process that are sent at the same time


def part_size(size: int) -> int:
    """Bytes of every part but the last: more than configured if a file of `size` bytes would have too many parts."""
    known = options()
    return max(known.part_size, SMALLEST_PART, -(-size // known.max_parts))


PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before a part is sent again after a failure that passes


class Stopped(Exception):
    """The remaining parts are not wanted any more."""


class PartUploads:
    """The parts of one upload. All methods block.

    A part that couldn't be sent is kept, and sent again when `send` or `drain` is called again.
    """

    def __init__(self, parallel: int) -> None:
        self.etags: dict[int, str] = {}  # of the parts that S3 has, by number
        self._room = threading.Semaphore(parallel)
        self._lock = threading.Lock()
        self._running: set[Future[None]] = set()
        self._failure: BaseException | None = None
        self._unsent: dict[int, Callable[[], str]] = {}  # by number, since that failure
        self._stopping = threading.Event()

    def send(self, number: int, upload: Callable[[], str]) -> None:
        """Calls `upload`, which returns the part's ETag, in another thread. Waits until there is room for it.

        If an earlier part has failed: raises its error, once no other is under way, and it has failed again.
        """
        self._room.acquire()  # before anything more is read
        if self._failure is not None:
            self._room.release()
            self.drain()
            self._room.acquire()
        self._submit(number, upload)

    def _submit(self, number: int, upload: Callable[[], str]) -> None:
        future = here(PartThreads).submit(self._send, number, upload)
        with self._lock:
            self._running.add(future)
        future.add_done_callback(self._done)

    def drain(self) -> None:
        """Returns when every part is there. If one has failed: raises its error, once none is under way."""
        self.settle()
        if self._unsent and not self._stopping.is_set():
            self._failure, unsent, self._unsent = None, self._unsent, {}
            for number, upload in sorted(unsent.items()):
                self._room.acquire()
                self._submit(number, upload)
            self.settle()
        if self._failure is not None:
            raise self._failure

    def settle(self) -> None:
        """Returns when none is under way, whether or not they have succeeded."""
        with self._lock:
            running = list(self._running)
        wait(running)

    def wind_down(self) -> None:
        """`settle`, but what fails from now on isn't sent again."""
        self._stopping.set()
        self.settle()

    def stop(self) -> None:
        """Sends no more parts, and returns when those under way have ended."""
        self._stopping.set()
        self._failure = self._failure or Stopped()
        self.settle()

    def prefix(self) -> int:
        """How many parts are there, up to the first gap."""
        count = 0
        while count + 1 in self.etags:
            count += 1
        return count

    def _send(self, number: int, upload: Callable[[], str]) -> None:
        if self._failure is not None:
            self._unsent[number] = upload
            return
        try:
            self.etags[number] = self._persist(upload)
        except BaseException as failure:  # set before the next part checks it
            self._unsent[number] = upload
            self._failure = self._failure or failure

    def _persist(self, upload: Callable[[], str]) -> str:
        for pause in PAUSES:
            try:
                return upload()
            except UploadError as failure:
                if not failure.passes or self._stopping.wait(pause):
                    raise
        return upload()

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._running.discard(future)
        self._room.release()


class PartThreads:
    """Those of this process."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="uploads-s3")

    def submit(self, send: Callable[..., None], *arguments: Any) -> Future[None]:
        return self._pool.submit(send, *arguments)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
