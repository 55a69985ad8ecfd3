"""From a URL to a mounted view: the URLconf, the middleware and the view's own `dispatch` decide, as for a page.

The browser names a URL, never a class. A login mixin, a decorator or a middleware that answers with something else than
the view (a redirect to the login page, a 403) has its way here as it has over HTTP.
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.core.handlers.asgi import ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, set_script_prefix, set_urlconf

from liveview.contracts import Topics
from liveview.core import urls
from liveview.mounted import Mounted, Ticket
from liveview.socket import django_session
from liveview.socket.django_session import Standing
from liveview.view import LiveView

_QUERY = "%&=+;/?:@!$'()*,-._~[]"  # left as it is: the browser has already quoted the rest
_DROPPED_HEADERS = frozenset({b"connection", b"upgrade", b"content-length", b"content-type", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Accepted:
    mounted: Mounted
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The URL answered with a redirect."""

    url: str


@dataclass(frozen=True, slots=True)
class Refused:
    """`code` is `not_found`, `forbidden` or `server_error`."""

    code: str


class _Handler(BaseHandler):
    """Django's way from a request to a response, except that it only calls live views."""

    def _get_response(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = super()._get_response(request)  # type: ignore[misc]  # not in its stubs
        django_session.keep_to_itself(request)
        return response

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        found: ResolverMatch = super().resolve_request(request)
        view_class = getattr(found.func, "view_class", None)
        if not (isinstance(view_class, type) and issubclass(view_class, LiveView)):
            raise Http404("not a live page")  # even a GET may have side effects
        return found


@cache
def handler() -> BaseHandler:
    loaded = _Handler()
    loaded.load_middleware()
    return loaded


def prepare() -> None:
    """Loads the middleware, as Django does for requests, before many pages ask for theirs at once.

    Not the URLconf: what it imports may ask for `MEDIA_URL`, which stays what it is at the first time, and below a path
    only a request says what that is. What raises is left to the first page, which says so to whoever asks for it.
    """
    with suppress(Exception):
        handler()


def mount(scope: dict[str, Any], url: str, topics: Topics) -> Accepted | Moved | Refused:
    """Mounts the view at `url` for the visitor whose WebSocket handshake was `scope`. Runs in a thread.

    What middleware sets for a request (language, time zone) stays set in the caller's context.
    """
    if not urls.is_path(url):
        return Refused("not_found")
    set_script_prefix(get_script_prefix(scope))
    request = synthetic_get(scope, url)
    ticket = Ticket(topics)
    request.live_ticket = ticket  # type: ignore[attr-defined]
    response = handler().get_response(request)
    response.close()
    set_urlconf(getattr(request, "urlconf", None))
    if ticket.mounted is not None:
        return Accepted(ticket.mounted, django_session.standing(ticket.mounted.request))
    return _refusal(response)


def synthetic_get(scope: dict[str, Any], url: str) -> ASGIRequest:
    """The GET that a browser at `url` would make, with the handshake's own headers."""
    parts = urlsplit(url)
    headers = [(name, value) for name, value in scope["headers"] if not _is_dropped(name)]
    return ASGIRequest(
        {
            "type": "http",
            "method": "GET",
            "scheme": "https" if scope.get("scheme") == "wss" else "http",
            "path": unquote(parts.path),
            "root_path": scope.get("root_path", ""),
            "query_string": quote(parts.query, safe=_QUERY).encode(),
            "headers": headers,
            "client": scope.get("client"),
            "server": scope.get("server"),
        },
        io.BytesIO(),
    )


def _refusal(response: HttpResponseBase) -> Moved | Refused:
    if 300 <= response.status_code < 400:
        return Moved(response.headers["Location"])
    if response.status_code >= 500:
        return Refused("server_error")
    return Refused("forbidden" if response.status_code in (401, 403) else "not_found")


def _is_dropped(name: bytes) -> bool:
    return name in _DROPPED_HEADERS or name.startswith(b"sec-websocket-")
