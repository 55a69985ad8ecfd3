"""Guards Django's own pages: what another site's page sends is refused before it is read.

Django checks the Origin as well, but by then the whole body is on this machine's disk.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import global_settings, settings
from django.utils.http import is_same_domain

from liveview.refusals import Refusal
from uploads.errors import UploadError
from uploads.http.shared.asgi import Application, Receive, Scope, Send
from uploads.http.shared.headers import Headers
from uploads.http.shared.visitors import origin_of
from uploads.http_errors import refusal, status_of


class Pages:
    """The ASGI application for every path that nothing else serves."""

    def __init__(self, django: Application) -> None:
        self._django = django

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            expect_own(scope)
        except UploadError as refused:
            answer = Refusal(status_of(refused), refused.code, refused.message)
            for message in answer.answer(Headers(scope).text("accept")):
                await send(message)
        else:
            await self._django(scope, receive, send)


def expect_own(scope: dict[str, Any]) -> None:
    """Raises `UploadError("bad_origin")` for a POST of another site's page that is too large to be kept in memory.

    Smaller ones are left to Django: some views accept them from anywhere.
    """
    if scope["method"] != "POST":
        return
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if most is None:
        most = global_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if (Headers(scope).number("content-length") or 0) <= most:
        return
    origin = origin_of(scope)
    if not origin.is_allowed and not _is_trusted_subdomain(origin.name):
        raise refusal("bad_origin")


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
