"""Files in a form: `POST /upload`, whose progress can be polled, and `POST /api/upload`. (Seeds: seeds/002, seeds/004.)

Django parses the form and keeps the file on disk meanwhile. What must happen before the body is read happens in
`Forms`, around Django: the Origin is checked, a body that is too long is refused, and its bytes are counted.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from uploads import intakes
from uploads.conf import conf
from uploads.core.names import unescaped
from uploads.errors import UploadError
from uploads.http.multipart import progress
from uploads.http.multipart.counting import counted
from uploads.http.multipart.handler import OwnProgress
from uploads.http.shared.asgi import Application, Receive, Scope, Send, always, answer, answer_json
from uploads.http.shared.deliveries import Delivery
from uploads.http.shared.headers import Headers
from uploads.http.shared.visitors import expect_allowed, origin_of, visitor_of, visitor_of_request
from uploads.http_errors import described, failed, refusal, status_of
from uploads.owners import known_owner

logger = logging.getLogger("uploads")

ROOM: Final = 100_000  # bytes of a form besides its file
METHODS: Final = "OPTIONS, POST"
BLOCK: Final = 1024 * 1024


class Forms:
    """The ASGI application around Django for the paths of these forms."""

    def __init__(self, django: Application) -> None:
        self._django = django

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = origin_of(scope)
        try:
            if scope["method"] == "OPTIONS":
                await answer(send, 204, [("Allow", METHODS), *origin.preflight(METHODS)])
                return
            expect_allowed(origin)
            length = Headers(scope).number("content-length") or 0
            most = intakes.get(conf().intake).max_size + ROOM
            if length > most:
                raise UploadError("too_large")
            capped = Capped(receive, most)
            await counted(self._django, OwnProgress, scope, capped, send)
            if capped.is_over:
                raise UploadError("too_large")
        except UploadError as refused:
            await answer_json(send, status_of(refused), failed(refused), origin.cors())


class Capped:
    """A body that may not say how long it is, and ends, as if it were cut off, when it is too long."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left = receive, most

    @property
    def is_over(self) -> bool:
        return self._left < 0

    async def __call__(self) -> dict[str, Any]:
        message = {"type": "http.disconnect"} if self.is_over else await self._receive()
        self._left -= len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.is_over else message


# Django's part


@csrf_exempt  # the Origin has been checked, which is what the token is for
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Takes the form's one file, whatever its field is called."""
    request.upload_handlers.insert(0, OwnProgress(request))
    try:
        expect_allowed(origin_of(_scope(request)))
        content = _deliver(request, _only_file(request))
    except UploadError as refused:
        return _answer(request, failed(refused), status_of(refused))
    return _answer(request, {"success": True, **content}, 200)


@require_safe
def get_upload_progress(request: HttpRequest) -> HttpResponse:
    """`{"uploaded": n, "length": n}` in bytes while a form arrives, `null` when it is done."""
    address = request.META.get("REMOTE_ADDR", "")
    key = progress.key_of(known_owner(request), address, request.GET.get(progress.FIELD, ""))
    if key is None:
        return _answer(request, described(UploadError("unknown_ref")), 404)
    if not progress.may_poll(key):
        return _answer(request, described(UploadError("rate_limited")), 429)
    try:
        return _answer(request, progress.look(key), 200)
    except Exception:  # noqa: BLE001  (whatever the cache's driver raises)
        logger.warning("form upload: progress unavailable", exc_info=True)
        return _answer(request, described(UploadError("busy")), 503)


def _only_file(request: HttpRequest) -> Any:
    """Raises `UploadError` for a form that can't be read, or doesn't have exactly one file."""
    try:
        files = [file for _, several in request.FILES.lists() for file in several]
    except (MultiPartParserError, SuspiciousOperation, UnreadablePostError, LookupError):  # last: unknown charset
        raise refusal("bad_body") from None
    if not files:
        raise refusal("no_file")
    if len(files) > 1:
        raise UploadError("too_many_files")
    return files[0]


def _deliver(request: HttpRequest, file: Any) -> dict[str, Any]:
    scope = _scope(request)
    visitor = visitor_of_request(request) if origin_of(scope).knows_visitor else visitor_of(scope)
    intake = intakes.get(conf().intake)
    name = unescaped(file.name or "")
    delivery = Delivery(intake, visitor, request.path, name, file.size, file.content_type or "")
    try:
        for chunk in file.chunks(BLOCK):
            delivery.write([chunk])
        return delivery.finish()
    finally:
        delivery.discard()


def _answer(request: HttpRequest, content: Any, status: int) -> HttpResponse:
    response = JsonResponse(content, safe=False, status=status)
    response.write(b"\n")  # for reading it in a terminal
    add_never_cache_headers(response)
    for name, value in always(status):
        response.setdefault(name, value)
    for name, value in origin_of(_scope(request)).cors():
        response[name] = value
    return response


def _scope(request: HttpRequest) -> dict[str, Any]:
    """This request's; under WSGI, and in tests, one that says the same."""
    scope: dict[str, Any] | None = getattr(request, "scope", None)
    if scope is not None:
        return scope
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    return {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": b"",
        "client": (request.META.get("REMOTE_ADDR", ""), 0),
        "scheme": request.scheme,
        "headers": headers,
    }
