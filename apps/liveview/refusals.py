"""What a server answers in the application's place."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.utils import translation
from django.utils.translation import get_language, get_language_bidi, gettext


def _(text: str) -> str:
    """Marks a text for the catalogue. Django's `gettext_noop` needs settings, which a server may not have yet."""
    return text


class Refusal(NamedTuple):
    """An answer that the server gives without asking the application.

    `message` is shown to people, in the language of their pages.
    """

    status: int
    code: str
    message: str

    def answer(self, accept: str, language: str | None = None) -> list[dict[str, Any]]:
        """The ASGI messages: JSON, or a page for a person whose browser has sent a form.

        accept: the request's header, empty where there is none. language: as `language_of` has it, or the active one.
        """
        if language is not None:
            with translation.override(language):
                return self.answer(accept)
        if _prefers_a_page(accept):
            # The link leads to the form's own URL, which most likely is the page with the form.
            kind, text = b"text/html; charset=utf-8", self._page()
        else:
            kind, text = b"application/json", json.dumps({"error": self.code, "message": gettext(self.message)})
        body = text.encode()
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'".encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"permissions-policy", UNUSED),
            (b"connection", b"close"),
        ]
        if self.status in PASSING:
            headers.append((b"retry-after", str(RETRY_AFTER).encode()))
        return [
            {"type": "http.response.start", "status": self.status, "headers": headers},
            {"type": "http.response.body", "body": body},
        ]

    def response(self, request: HttpRequest) -> HttpResponse:
        """The same of a view."""
        start, body = self.answer(request.headers.get("accept", ""))
        given = {name.decode(): value.decode() for name, value in start["headers"] if name not in OF_SERVER}
        return HttpResponse(body["body"], status=self.status, headers=given)

    def _page(self) -> str:
        return _PAGE.format(
            language=get_language() or "en",
            direction="rtl" if get_language_bidi() else "ltr",
            message=gettext(self.message),
            back=gettext("Back to the page"),
            style=_STYLE,
        )


PASSING: Final = (429, 503)  # statuses of what may work later
RETRY_AFTER: Final = 5  # seconds
UNUSED: Final = b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
LONGEST_ACCEPT: Final = 1000  # characters; browsers send 200, and reading 16,000 takes 10 ms

OF_SERVER: Final = (b"connection", b"content-length")  # headers that are the server's to set

BAD_REQUEST: Final = Refusal(400, "bad_request", _("The server can't handle this request."))
NOT_UNDERSTOOD: Final = Refusal(400, "bad_request", _("The server didn't understand this page. Reload it."))
TOO_SLOW: Final = Refusal(408, "too_slow", _("That arrived too slowly. Please try again."))
TOO_COSTLY: Final = Refusal(429, "rate_limited", _("That arrived in too many pieces. Please try again."))
TOO_BUSY: Final = Refusal(429, "rate_limited", _("Too many requests at once. Wait a moment and try again."))
TOO_LARGE: Final = Refusal(413, "too_large", _("That is larger than this page accepts."))

_STYLE: Final = (
    "body { font: 1.0625rem/1.5 system-ui, sans-serif; margin: 18vh auto 0; max-width: 34rem; padding: 0 1.25rem }"
    " h1 { font-size: 1.5rem; line-height: 1.25 } a { color: light-dark(#0e6470, #6fd0dd) }"
)
_STYLE_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE: Final = """<!doctype html>
<html lang="{language}" dir="{direction}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{message}</title>
<style>{style}</style>
<h1>{message}</h1>
<p><a href="">{back}</a></p>
</html>
"""


def language_of(languages: bytes, cookies: bytes) -> str | None:
    """That of the pages of whoever sends these headers, `Accept-Language` and `Cookie`; None if pages have only one."""
    if "django.middleware.locale.LocaleMiddleware" not in settings.MIDDLEWARE:
        return None
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = languages.decode("latin-1")
    request.COOKIES = parse_cookie(cookies.decode("latin-1"))
    return translation.get_language_from_request(request)


def _prefers_a_page(accept: str) -> bool:
    """Browsers only ask for HTML when they are going to display the answer."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = accept if 0 < len(accept) <= LONGEST_ACCEPT else "*/*"
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"
