"""How long a request's body may be, and how slow."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from django.http import HttpRequest

from liveview.conf import Conf


class Caps:
    """Bytes by path: `LIVEVIEW["BODY_LIMITS"]`, and `LIVEVIEW["MAX_BODY"]` where none of its prefixes fits."""

    def __init__(self, conf: Conf) -> None:
        self._limits = sorted(conf.body_limits, key=lambda limit: len(limit[0]), reverse=True)
        self._default = conf.max_body

    def of(self, path: str) -> int:
        """The cap of a path as the application sees it, without its query. The longest prefix wins."""
        return next((most for prefix, most in self._limits if path.startswith(prefix)), self._default)


class Pace:
    """Whether a sender is too slow, judged once in each period. Time in which it had to wait for us doesn't count."""

    def __init__(self, least_rate: float, period: float) -> None:
        """`least_rate` in bytes a second, `period` in seconds."""
        self.period = period
        self._least = least_rate * period
        self._received = 0
        self._has_waited = False

    def received(self, size: int) -> None:
        self._received += size

    def had_to_wait(self) -> None:
        self._has_waited = True

    def is_too_slow(self, *, waits_now: bool) -> bool:
        """The judgement on the period that ends now; the next one begins."""
        too_slow = self._received < self._least and not self._has_waited
        self._received, self._has_waited = 0, waits_now
        return too_slow


class Refusal(NamedTuple):
    """An answer that the server gives without asking the application. `message` is a sentence for people."""

    status: int
    code: str
    message: str

    def answer(self, accept: str) -> list[dict[str, Any]]:
        """As ASGI has it: JSON, or a page for the person whose browser has sent a form.

        accept: the request's header, empty where there is none.
        """
        if _prefers_a_page(accept):
            # The form's own page has the form's address, in all likelihood.
            kind, text = b"text/html; charset=utf-8", _PAGE.format(message=self.message)
        else:
            kind, text = b"application/json", json.dumps({"error": self.code, "message": self.message})
        body = text.encode()
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"content-security-policy", b"default-src 'none'"),
            (b"connection", b"close"),
        ]
        return [
            {"type": "http.response.start", "status": self.status, "headers": headers},
            {"type": "http.response.body", "body": body},
        ]


BAD_REQUEST: Final = Refusal(400, "bad_request", "This request can't be answered here.")
TOO_SLOW: Final = Refusal(408, "too_slow", "What you sent arrived too slowly. Please try again.")
TOO_LARGE: Final = Refusal(413, "too_large", "What you sent is larger than this page can take.")

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{message}</title>
<h1>{message}</h1>
<p><a href="">Back to the page</a></p>
</html>
"""


def _prefers_a_page(accept: str) -> bool:
    """Only browsers name HTML, and only where the answer is going to be what they show."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT"] = accept or "*/*"
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"
