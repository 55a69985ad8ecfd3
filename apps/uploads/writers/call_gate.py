"""One call to a writer at a time, and an end that nobody has to wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from uploads.errors import UploadError

Ending: TypeAlias = Callable[[], None]


class CallGate:
    """Ending it during a call leaves the ending to the thread in that call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # never held during a call
        self._is_busy = False
        self._ending: Ending | None = None
        self.is_over = False

    @property
    def is_ending(self) -> bool:
        """Whether the call under way, if any, is the last."""
        return self._ending is not None

    def enter(self) -> bool:
        """Before a call; `leave` must follow. False if it is over.

        Raises `UploadError("busy")` during another: an upload's chunks are passed on one after the other.
        """
        with self._lock:
            if self._ending is not None:
                return False
            if self._is_busy:
                raise UploadError("busy")
            self._is_busy = True
            return True

    def leave(self) -> None:
        """After a call: runs the ending, if there is one by now."""
        with self._lock:
            ending = self._ending
            if ending is None:
                self._is_busy = False
                return
        ending()
        self.is_over = True

    def end(self, ending: Ending) -> None:
        """Has `ending` run, here or by the thread in the last call. The first ending counts."""
        with self._lock:
            if self._ending is not None:
                return
            self._ending = ending
            if self._is_busy:
                return
            self._is_busy = True
        self.leave()

    def take_back(self) -> Ending | None:
        """During a call: withdraws the ending that was requested meanwhile."""
        with self._lock:
            ending, self._ending = self._ending, None
            return ending
