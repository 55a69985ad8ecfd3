"""The WebSocket route to put in a project's asgi.py."""

from __future__ import annotations

from django.conf import settings
from django.urls import path

from liveview.conf import conf
from liveview.socket.asgi import live_socket

__all__ = ["websocket_urlpatterns"]

# A site that is served below a path may or may not see that path in its requests: the proxy decides.
_PREFIXES = {"", (settings.FORCE_SCRIPT_NAME or "").strip("/")}

websocket_urlpatterns = [
    path((prefix + conf().socket_path).lstrip("/"), live_socket)  # type: ignore[arg-type]  # ASGI, no view
    for prefix in sorted(_PREFIXES)
]
