"""Which pages may open a socket: those of this very site, and the origins in `CSRF_TRUSTED_ORIGINS`."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}
SHOWN = 200  # characters of what a client sent


def is_allowed(scope: dict[str, Any]) -> bool:
    return refusal(scope) is None


def refusal(scope: dict[str, Any]) -> str | None:
    """Why the handshake is refused, for the log; None if it isn't.

    Its Origin has to be one of ours: scheme, host and port are equal. A missing one is refused.
    """
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    if len(given) != 1:
        return "it has no Origin, or several: only a browser's page opens this socket"
    request = _as_request(scope)
    try:
        own = f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return f"its Host isn't in ALLOWED_HOSTS: {request.headers.get('Host', '')[:SHOWN]!r}"
    wanted = _normal(given[0])
    if wanted is not None and wanted in {_normal(allowed) for allowed in (own, *settings.CSRF_TRUSTED_ORIGINS)}:
        return None
    return (
        f"its Origin is {given[0][:SHOWN]!r}, and this site is {own!r} here. Behind a proxy, have it pass the Host on, "
        f"and set SECURE_PROXY_SSL_HEADER; or add the origin to CSRF_TRUSTED_ORIGINS"
    )


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
