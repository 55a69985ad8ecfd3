"""Who is asking, and from which page: read from the headers, before any of the body."""

from __future__ import annotations

import io
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from liveview.core.addresses import network_of
from liveview.core.limits import Bucket
from liveview.process import here
from liveview.socket import origins
from liveview.visitors import visitor_at
from uploads.conf import conf
from uploads.entries.uploader import Uploader, uploader_of
from uploads.errors import UploadError
from uploads.http.shared.headers import Headers
from uploads.http_errors import refusal
from uploads.owners import known_owner
from uploads.stores import Record
from uploads.stores.counts import name_of, site_counts

_EXPOSED: Final = (
    "Location, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, "
    "Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset"
)
_ACCEPTED: Final = (  # those that are read here, and those that clients of tus send to any server
    "Authorization, Content-Type, Tus-Resumable, Upload-Checksum, Upload-Concat, Upload-Defer-Length, Upload-Length, "
    "Upload-Metadata, Upload-Offset, X-Chunk-Count, X-Chunk-Index, X-CSRFToken, X-File-Name, X-File-Size, "
    "X-HTTP-Method-Override, X-Progress-ID, X-Request-ID, X-Requested-With, X-Upload-Id"
)
_NAMES: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
MOST_ASKED: Final = 2000  # characters of the names of headers
_URL: Final = "url:"

NEW_UPLOADS: Final = (20.0, 500.0)  # of one visitor: per second, and at once
MAX_PACES: Final = 10_000


class Paces:
    """How fast each visitor begins uploads here: all that counts where processes share no Redis."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()  # by owner, or by address
        self._lock = threading.Lock()

    def take(self, key: str) -> bool:
        with self._lock:
            pace = self._buckets.pop(key, None) or Bucket(*NEW_UPLOADS)
            self._buckets[key] = pace
            while len(self._buckets) > MAX_PACES:
                self._buckets.popitem(last=False)
            return pace.take()


@dataclass(frozen=True, slots=True)
class Origin:
    """The page that a browser names. `is_own` also if none is named: browsers always name another site's.

    `is_open`: the site lets every page in, by the settings of django-cors-headers. Nobody knows then that the page's
    visitor wants what it sends, so it comes from somebody without a session.
    """

    name: str
    is_own: bool
    is_listed: bool
    is_open: bool = False
    asked: str = ""  # names of headers, in a preflight

    @property
    def knows_visitor(self) -> bool:
        """Whether what it sends is its visitor's, by their cookies."""
        return self.is_own or self.is_listed

    @property
    def is_allowed(self) -> bool:
        return self.knows_visitor or self.is_open

    def cors(self) -> list[tuple[str, str]]:
        """Headers for every answer, errors included. Empty for a page that may not read it."""
        if not self.name or not self.is_allowed:
            return [("Vary", "Origin")]
        if not self.knows_visitor:
            return [
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Expose-Headers", _EXPOSED),
                ("Vary", "Origin"),
            ]
        return [
            ("Access-Control-Allow-Origin", self.name),
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Expose-Headers", _EXPOSED),
            ("Vary", "Origin"),
        ]

    def preflight(self, methods: str) -> list[tuple[str, str]]:
        """Further headers for an OPTIONS request.

        A page that is known may send whatever headers it likes: its site's own proxy or middleware may want them.
        """
        if not self.name or not self.is_allowed:
            return self.cors()
        asked = self.asked if self.knows_visitor and _NAMES.fullmatch(self.asked) else ""
        return [
            *self.cors(),
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", f"{_ACCEPTED}, {asked}".rstrip(", ")),
            ("Access-Control-Max-Age", "86400"),
        ]


def origin_of(scope: dict[str, Any]) -> Origin:
    """This host and `CSRF_TRUSTED_ORIGINS` are own; `UPLOADS["ALLOWED_ORIGINS"]` lists others, and a site whose
    settings have `CORS_ALLOW_ALL_ORIGINS` is open to all.

    A request without an Origin comes from no page, unless the browser says that it comes from another site.
    """
    headers = Headers(scope)
    name = headers.get("origin")
    if name is None:
        is_own = headers.text("sec-fetch-site").lower() != "cross-site"
        return Origin("", is_own=is_own, is_listed=False, is_open=_is_open("", scope["path"]))
    scheme = {"https": "wss"}.get(scope.get("scheme", "http"), "ws")
    is_own = origins.is_allowed({**scope, "type": "websocket", "scheme": scheme})
    asked = headers.text("access-control-request-headers")[:MOST_ASKED]
    return Origin(name, is_own, name in conf().allowed_origins, _is_open(name, scope["path"]), asked)


def _is_open(name: str, path: str) -> bool:
    """What a site that has django-cors-headers says there of its own views holds here as well."""
    is_let_in = getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False) or name in getattr(
        settings, "CORS_ALLOWED_ORIGINS", ()
    )
    return is_let_in and re.match(getattr(settings, "CORS_URLS_REGEX", ""), path) is not None


def expect_allowed(origin: Origin) -> None:
    """Raises `UploadError("bad_origin")`: the request may carry the cookies of a visitor who knows nothing of it."""
    if not origin.is_allowed:
        raise refusal("bad_origin")


@dataclass(frozen=True, slots=True)
class Visitor:
    """`owner` is empty for one without a session: what they send belongs to anyone who knows its address.

    `address` is the client's, or that of a proxy in front of us; the beginning of it, if it is IPv6. `client` is all
    that tells visitors without a session apart: address and browser.
    """

    owner: str
    uploader: Uploader
    address: str
    client: str = ""

    def expect_pace(self) -> None:
        """Counts a new upload, in whichever process. Blocks; raises `UploadError("rate_limited")` for too many."""
        whose = self.owner or self.address
        if not here(Paces).take(whose):
            raise UploadError("rate_limited")
        counts = site_counts()
        if counts is not None and counts.pace(name_of(whose), *NEW_UPLOADS) is False:
            raise UploadError("rate_limited")

    def owner_of(self, upload_id: str) -> str:
        return self.owner or f"{_URL}{upload_id}"

    def may_use(self, record: Record) -> bool:
        return record.owner == self.owner_of(record.id) or record.owner == f"{_URL}{record.id}"


def request_of(scope: dict[str, Any]) -> HttpRequest:
    """The request without its body, with the session and user that its cookies name. Reads them lazily.

    Cookies that a page of another site sends along count for nothing.
    """
    if scope["type"] == "http" and not origin_of(scope).knows_visitor:
        scope = {**scope, "headers": [line for line in scope["headers"] if line[0].lower() != b"cookie"]}
    request = ASGIRequest({**scope, "type": "http", "method": scope.get("method", "GET")}, io.BytesIO())
    SessionMiddleware(_unused).process_request(request)
    AuthenticationMiddleware(_unused).process_request(request)
    return request


def speak_as_asked(scope: dict[str, Any]) -> None:
    """Activates the language that a page would have, by cookie and Accept-Language, if pages have several."""
    if "django.middleware.locale.LocaleMiddleware" in settings.MIDDLEWARE:
        request = ASGIRequest({**scope, "type": "http", "method": "GET"}, io.BytesIO())
        translation.activate(translation.get_language_from_request(request))


def visitor_of(scope: dict[str, Any]) -> Visitor:
    """Blocks: it asks the session's store."""
    return visitor_of_request(request_of(scope))


def visitor_of_request(request: HttpRequest) -> Visitor:
    """Blocks as well. For a request that has its session and user already."""
    address = request.META.get("REMOTE_ADDR", "")
    client = f"{network_of(address)} {request.META.get('HTTP_USER_AGENT', '')}"
    return Visitor(known_owner(request), uploader_of(request), visitor_at(address), client)


def _unused(_request: HttpRequest) -> HttpResponse:
    raise AssertionError("only the middleware's first half is asked")
