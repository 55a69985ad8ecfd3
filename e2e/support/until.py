"""Waiting for what no page tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY = 0.02  # seconds


def until(condition: Callable[[], T], within: float = 30) -> T:
    """What `condition` returns as soon as that is true; fails after so many seconds."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within} s"
        threading.Event().wait(LOOK_EVERY)
    return found
