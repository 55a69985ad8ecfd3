"""Server-rendered, stateful pages over a WebSocket.

A `LiveView` is a Django class-based view: a GET renders the whole page, then the page's one WebSocket mounts the same
URL and every event goes to a method marked `@event_handler`. See docs/liveview.md.
"""

from __future__ import annotations

from liveview.events import event_handler, server_function
from liveview.state import state
from liveview.view import LiveView

__all__ = ["LiveView", "event_handler", "server_function", "state"]
