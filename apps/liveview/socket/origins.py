"""Which pages may open a socket: those of this very site, and the origins in `CSRF_TRUSTED_ORIGINS`."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_allowed(scope: dict[str, Any]) -> bool:
    """Whether the handshake's Origin is one of ours: scheme, host and port are equal. A missing one is refused."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    if len(given) != 1:
        return False
    request = _as_request(scope)
    try:
        own = f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return False
    wanted = _normal(given[0])
    return wanted is not None and wanted in {_normal(allowed) for allowed in (own, *settings.CSRF_TRUSTED_ORIGINS)}


def _as_request(scope: dict[str, Any]) -> ASGIRequest:
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    return ASGIRequest({**scope, "type": "http", "method": "GET", "scheme": scheme}, io.BytesIO())


def _normal(origin: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(origin)
        port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    except (ValueError, KeyError):
        return None
    if not parts.hostname or parts.username is not None or origin != f"{parts.scheme}://{parts.netloc}":
        return None
    return parts.scheme, parts.hostname.lower(), port
