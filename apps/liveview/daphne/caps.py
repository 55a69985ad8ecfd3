"""How long a request's body may be, and how slow."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

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
    """An answer that the server gives without asking the application."""

    status: int
    code: str

    @property
    def body(self) -> bytes:
        return json.dumps({"error": self.code}).encode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self.body)).encode()),
            (b"connection", b"close"),
        ]


BAD_REQUEST: Final = Refusal(400, "bad_request")
TOO_SLOW: Final = Refusal(408, "too_slow")
TOO_LARGE: Final = Refusal(413, "too_large")
