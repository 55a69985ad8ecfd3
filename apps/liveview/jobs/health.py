"""What a worker tells whoever looks after it, by HTTP: whether it works, and what the site tells there as well."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

SLOWEST: Final = 10  # seconds for a request


class Health:
    """A WSGI application. `/` is 200 while the worker works, else 503; `paths` are answered as the site does."""

    def __init__(self, is_working: Callable[[], bool], paths: Collection[str] = ()) -> None:
        self._is_working, self._paths = is_working, paths
        self._site = get_wsgi_application() if paths else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if self._site is not None and path in self._paths:
            return self._site(environ, start_response)
        if path != "/":
            status, text = "404 Not Found", b"not found\n"
        elif self._is_working():
            status, text = "200 OK", b"ok\n"
        else:
            status, text = "503 Service Unavailable", b"not working\n"
        start_response(status, [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
        return [text]

    def listen(self, host: str, port: int) -> None:
        """Answers in threads of its own, as long as the process lives. Raises `OSError` if the port is taken."""
        server = make_server(host, port, self, server_class=_Server, handler_class=_Handler)
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = SLOWEST

    def log_message(self, *_: Any) -> None:
        """Says nothing: it is asked every few seconds."""
