"""Server-rendered, stateful pages over a WebSocket.

A `LiveView` is a Django class-based view: a GET renders the whole page, then the page's one WebSocket mounts the same
URL and every event goes to a method marked `@event_handler`. See docs/liveview.md.

The public names are loaded when they are first asked for, so that `liveview.core` can be imported without Django.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from liveview.core.handlers import event_handler, server_function
    from liveview.core.state import state
    from liveview.view import LiveView

__all__ = ["LiveView", "event_handler", "server_function", "state"]

_HOMES: Final = {
    "LiveView": "liveview.view",
    "event_handler": "liveview.core.handlers",
    "server_function": "liveview.core.handlers",
    "state": "liveview.core.state",
}


def __getattr__(name: str) -> Any:
    """PEP 562."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value
