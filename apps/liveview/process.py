"""What this process remembers at run time, in one object: everything that is lost when the process ends.

A module declares what it remembers as a class without constructor arguments, and asks for the instance:

    class Ledger: ...

    here(Ledger).reserve(...)

Declarations aren't part of it: intakes, hooks and dotted names in settings are made once, when Django starts, and stay.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Process:
    """One instance of each kind, made when it is first asked for. Safe to use from any thread."""

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

    def forget(self, kind: type) -> None:
        """It is made anew when it is next asked for. For tests."""
        self._memory.pop(kind, None)

    @property
    def kinds(self) -> list[type]:
        """What is remembered right now."""
        return list(self._memory)

    def close(self) -> None:
        """Closes whatever holds threads or processes."""
        for held in list(self._memory.values()):
            if callable(close := getattr(held, "close", None)):
                close()


_current = Process()


def here(kind: type[T]) -> T:
    """This process's instance."""
    return _current.get(kind)


def current() -> Process:
    return _current


def begin() -> Process:
    """Starts over with an empty memory, as after a crash. Returns the old one, unclosed.

    For tests that simulate a crash. `AppConfig.ready` doesn't call it: a process starts with an empty memory anyway, an
    app that is ready earlier may have filled it, and `ready` runs again whenever a test overrides `INSTALLED_APPS`,
    while threads and sockets are in use.
    """
    global _current
    before, _current = _current, Process()
    return before
