"""Headers of every answer, whichever middleware or view gives it: hence the first middleware."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import has_vary_header, patch_vary_headers
from django.utils.decorators import sync_and_async_middleware

# What none of our pages uses, and so nothing that gets into one may. Players need full screen and picture-in-picture.
_UNUSED: Final = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer", "microphone"),
    *("midi", "payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _UNUSED),
}


@sync_and_async_middleware
def on_every_answer(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    if not iscoroutinefunction(get_response):
        return lambda request: _with_headers(get_response(request))

    async def answer(request: HttpRequest) -> HttpResponse:
        return _with_headers(await get_response(request))

    return answer


@sync_and_async_middleware
def admins_styles(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Django's admin has styles in its elements. The rest of our Content-Security-Policy applies there as well."""
    policy = {"style-src": [*settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["default-src"], "'unsafe-inline'"]}

    def relaxed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.resolver_match and "admin" in request.resolver_match.app_names:
            response._csp_update = policy  # type: ignore[attr-defined]  # as django-csp's decorator does
        return response

    if not iscoroutinefunction(get_response):
        return lambda request: relaxed(request, get_response(request))

    async def answer(request: HttpRequest) -> HttpResponse:
        return relaxed(request, await get_response(request))

    return answer


def _with_headers(response: HttpResponse) -> HttpResponse:
    if has_vary_header(response, "Accept-Language"):
        patch_vary_headers(response, ["Cookie"])  # in which the language may be; Django doesn't say so
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
