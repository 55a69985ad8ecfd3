"""What a project's asgi.py puts around its HTTP application, and beside its WebSockets."""

from __future__ import annotations

from typing import Any, Final

from django.core.handlers.asgi import ASGIHandler
from django.urls import Resolver404, re_path, resolve

from liveview.unsized_bodies import Sized
from uploads.http.chunked.endpoint import Chunks
from uploads.http.multipart.counting import counted
from uploads.http.multipart.forms import Forms, upload
from uploads.http.multipart.handler import configured
from uploads.http.shared.asgi import Application, Receive, Scope, Send
from uploads.http.shared.bodies import Collected
from uploads.http.shared.page_guard import Pages
from uploads.http.shared.visitors import speak_as_asked
from uploads.http.tus.protocol import Tus
from uploads.http.websocket.consumer import FileUploadConsumer

__all__ = ["application", "websocket_urlpatterns"]

FORMS: Final = ("/upload", "/api/upload")  # as `uploads.http.urls` has them


def application(django: Any, *, tus: str = "/tus/", chunks: str = "/api/upload-chunk") -> Application:
    """An ASGI application for the requests whose bodies must be read as they arrive; Django gets all others.

    Large bodies among those are refused before they are read if they come from other sites' pages, and forms are
    counted on their way if the project has an `UploadProgressCachedHandler`.
    tus: the path below which tus is served. chunks: the path of the seeds' chunked endpoint. A view that the project
        itself has at a path of ours is left alone.
    """
    django = Sized(Collected(django))
    speak_tus, take_chunks, take_forms, show_pages = Tus(tus), Chunks(chunks), Forms(django), Pages(django)

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        speak_as_asked(scope)
        if path.startswith(tus):
            await speak_tus(scope, receive, send)
        elif path == chunks and _view_of(path) is None:
            await take_chunks(scope, receive, send)
        elif path in FORMS and _view_of(path) is upload:
            await take_forms(scope, receive, send)
        elif handler := configured():
            await counted(show_pages, handler, scope, receive, send)
        else:
            await show_pages(scope, receive, send)

    return route


def _view_of(path: str) -> Any:
    """What Django's URLs have at a path. A project may have a view of its own where we have one."""
    try:
        return resolve(path).func
    except Resolver404:
        return None


def is_around(application: Any) -> bool:
    """Whether a project's application has, for its HTTP, the one above. Also True where that can't be told."""
    names = ("application", "_application", "inner", "app")
    while getattr(application, "__module__", "") != __name__:
        routed = getattr(application, "application_mapping", {}).get("http")
        inner = routed or next(filter(None, (getattr(application, name, None) for name in names)), None)
        if inner is None:
            return not isinstance(application, ASGIHandler)
        application = inner
    return True


websocket_urlpatterns = [
    re_path(r"^ws/upload/$", FileUploadConsumer.as_asgi())  # type: ignore[arg-type]  # ASGI, no view
]
