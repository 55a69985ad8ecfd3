"""What this process remembers at run time, in one object: whatever is gone when the process is.

A module says what it remembers as a class that can be made without arguments, and asks for this process's own:

    class Ledger: ...

    here(Ledger).reserve(...)

Declarations are no memory: intakes, hooks and dotted names in settings are made once, when Django starts, and stay.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Process:
    """One instance of each kind, made when it is first asked for. May be used in any thread."""

    def __init__(self) -> None:
        self._memory: dict[type, Any] = {}
        self._lock = threading.RLock()  # making one may ask for another

    def get(self, kind: type[T]) -> T:
        found = self._memory.get(kind)
        if found is None:
            with self._lock:
                found = self._memory.get(kind)
                if found is None:
                    found = self._memory[kind] = kind()
        return cast(T, found)

    @property
    def kinds(self) -> list[type]:
        """What is remembered right now."""
        return list(self._memory)

    def close(self) -> None:
        """Lets go of what holds threads or processes."""
        for held in list(self._memory.values()):
            if callable(close := getattr(held, "close", None)):
                close()


_current = Process()


def here(kind: type[T]) -> T:
    """This process's own."""
    return _current.get(kind)


def current() -> Process:
    return _current


def begin() -> Process:
    """A new memory in place of the one before, which is returned as a crash would leave it: with nothing said.

    For tests that want a crash. `AppConfig.ready` doesn't call it: a process starts with an empty memory anyway, an app
    that is ready earlier may have filled it, and `ready` runs again whenever a test overrides `INSTALLED_APPS`, while
    threads and sockets are in use.
    """
    global _current
    before, _current = _current, Process()
    return before
