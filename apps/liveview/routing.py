"""The pages' WebSocket in a project's asgi.py: `application = live(application)`, at its end."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import path

from liveview import housekeeping
from liveview.conf import conf
from liveview.socket.asgi import live_socket
from liveview.unsized_bodies import Application, Sized

__all__ = ["live", "websocket_urlpatterns"]

# A site that is served below a path may or may not see that path in its requests: the proxy decides.
_PREFIXES = {"", (settings.FORCE_SCRIPT_NAME or "").strip("/")}

websocket_urlpatterns = [  # for a `URLRouter` of the project's own
    path((prefix + conf().socket_path).lstrip("/"), live_socket)  # type: ignore[arg-type]  # ASGI, no view
    for prefix in sorted(_PREFIXES)
]


class Live:
    """An ASGI application with the pages' WebSocket; `inner` serves everything else, as before."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner
        self._sized = Sized(inner)
        self._paths = {f"/{str(each.pattern)}" for each in websocket_urlpatterns}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" and isinstance(self.inner, ASGIHandler):  # which has none
            await housekeeping.lifespan(scope, receive, send)
        elif scope["type"] != "websocket":
            housekeeping.served(scope)
            await self._sized(scope, receive, send)
        elif scope["path"].removeprefix(scope.get("root_path", "")) in self._paths:
            await live_socket(scope, receive, send)
        elif isinstance(self.inner, ASGIHandler):  # Django's own, which knows no WebSockets and would raise
            await receive()
            await send({"type": "websocket.close"})  # before accept: HTTP 403
        else:
            await self.inner(scope, receive, send)


def live(application: Application) -> Live:
    """The project's application, with the pages' WebSocket beside all that it serves already."""
    return Live(application)
