"""Guards Django's own pages: what they would refuse is refused before it is read.

Django checks Origin and token as well, but by then the whole body is on this machine's disk.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import global_settings, settings
from django.urls import Resolver404, resolve
from django.utils.http import is_same_domain

from uploads.errors import UploadError
from uploads.http.shared.asgi import Application, Receive, Scope, Send
from uploads.http.shared.bodies import send_refusal
from uploads.http.shared.headers import Headers
from uploads.http.shared.visitors import origin_of
from uploads.http_errors import refusal

SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")
CSRF: Final = "django.middleware.csrf.CsrfViewMiddleware"


class Pages:
    """The ASGI application for every path that nothing else serves."""

    def __init__(self, django: Application) -> None:
        self._django = django

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            expect_own(scope)
        except UploadError as refused:
            await send_refusal(refused, Headers(scope), send)
        else:
            await self._django(scope, receive, send)


def expect_own(scope: dict[str, Any]) -> None:
    """Raises `UploadError` for a body that is too large to be kept in memory, or doesn't say how long it is, if Django
    would refuse it: `bad_origin` for another site's page, `no_token` for a visitor who can't have one, `too_large` for
    a request that has no use for it.

    Others are left to Django: some views accept them from anywhere.
    """
    headers = Headers(scope)
    length = headers.number("content-length")
    is_streamed = length is None and headers.get("transfer-encoding") is not None
    if not is_streamed and (length or 0) <= _most_in_memory():
        return
    if scope["method"] in SAFE:
        raise UploadError("too_large")
    is_exempt = _is_exempt(scope)
    if is_streamed and is_exempt:
        return
    origin = origin_of(scope)
    if not origin.is_allowed and not _is_trusted_subdomain(origin.name):
        raise refusal("bad_origin")
    if not is_exempt and not _may_have_a_token(headers):
        raise refusal("no_token")


def _most_in_memory() -> int:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return global_settings.DATA_UPLOAD_MAX_MEMORY_SIZE if most is None else most


def _is_exempt(scope: dict[str, Any]) -> bool:
    """Whether the view takes requests without a token."""
    if CSRF not in settings.MIDDLEWARE:
        return True
    try:
        view = resolve("/" + scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")).func
    except Resolver404:
        return False
    return bool(getattr(view, "csrf_exempt", False))


def _may_have_a_token(headers: Headers) -> bool:
    """A token is worth nothing without the cookie that it belongs to, and that comes before the body."""
    name = settings.SESSION_COOKIE_NAME if settings.CSRF_USE_SESSIONS else settings.CSRF_COOKIE_NAME
    return any(cookie.strip().partition("=")[0] == name for cookie in headers.text("cookie").split(";"))


def _is_trusted_subdomain(origin: str) -> bool:
    """Whether Django trusts it by an entry of `CSRF_TRUSTED_ORIGINS` such as `https://*.example.com`."""
    try:
        given = urlsplit(origin)
    except ValueError:
        return False
    return any(
        given.scheme == trusted.scheme and is_same_domain(given.netloc, trusted.netloc.lstrip("*"))
        for trusted in map(urlsplit, settings.CSRF_TRUSTED_ORIGINS)
        if "*" in trusted.netloc
    )
