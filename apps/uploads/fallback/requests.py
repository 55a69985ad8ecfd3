"""Requests of a page without a socket: the messages of the socket, sent to the page's address."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.utils.cache import add_never_cache_headers

from liveview import http_page
from liveview.body_limits import Caps
from liveview.conf import conf
from liveview.core import messages as wire
from liveview.core.messages import BadMessage, Fields, Message
from liveview.extensions import Form
from liveview.mounted import Mounted
from uploads import janitor
from uploads.core import messages
from uploads.entries.entry import UploadEntry
from uploads.entries.registry import Uploads
from uploads.entries.uploader import uploader_of
from uploads.errors import UploadError
from uploads.fallback import parked
from uploads.fallback.claims import SKIP, Claims
from uploads.fallback.forms import accept_post, keep_offered
from uploads.http_errors import described, refusal, status_of
from uploads.owners import owner_of
from uploads.sentences import gettext_noop as _

logger = logging.getLogger("uploads")

HEADER: Final = "X-Upload"  # what a request is: config, message, chunk or form
MAX_CHUNK: Final = 4 * 1024 * 1024  # bytes; less where the path's `BODY_LIMITS` says so
MAX_MESSAGE: Final = 65_536  # bytes

CLIENT: Final[dict[str, Fields]] = {
    "upload_register": messages.CLIENT["upload_register"],
    "upload_resume": messages.CLIENT["upload_resume"],
    "upload_cancel": {"ref": messages.ref, "upload_id": wire.text(64, 1)},
    "upload_done": {"ref": messages.ref, "upload_id": wire.text(64, 1)},
}


class Fallback:
    """One request of a page without a socket. Everything here blocks."""

    def __init__(self, mounted: Mounted, uploads: Uploads) -> None:
        self._mounted, self._uploads = mounted, uploads
        self._claims = Claims(uploads)

    def accept(self, request: HttpRequest, form: Form) -> bool:
        """Takes a form's files, named by it or posted in it. False if one was refused: the handler must not run."""
        if not form.is_sent:
            return True
        self._uploads.offered = set()
        accepted = self._claims.accept(request)  # first: a posted file replaces one that waits
        accepted &= accept_post(self._uploads, request)
        return accepted or SKIP in request.POST or form.has("dj-upload-skip")

    def settle(self) -> None:
        """The page is rendered."""
        self._claims.settle()
        keep_offered(self._uploads, self._mounted.request)

    def answer(self, request: HttpRequest) -> HttpResponse | None:
        """None for a request for the page itself, or for a browser's own form."""
        match request.method, request.headers.get(HEADER, ""):
            case "GET", "config":
                response = self._config(request)
            case "POST", "message":
                response = self._handle(request)
            case "POST", "chunk":
                response = self._take(request)
            case "POST", "form":
                response = self._submit()
            case _:
                return None
        add_never_cache_headers(response)
        return response

    def _config(self, request: HttpRequest) -> HttpResponse:
        """What the page accepts. A visitor without a session gets one now, which the uploads will be bound to."""
        self._mounted.mount()
        owner_of(request)
        slots = {
            # A socket can't resume bytes that are staged here for a writer.
            name: {**slot.describe(), "resumable": slot.resumable and not slot.is_remote}
            for name, slot in self._uploads.slots.items()
        }
        most = min(MAX_CHUNK, Caps(conf()).of(request.path))
        return JsonResponse({"slots": slots, "max_chunk": most, "csrf_token": get_token(request)})

    # Messages
    def _handle(self, request: HttpRequest) -> HttpResponse:
        try:
            message = wire.parse(_read(request, MAX_MESSAGE).decode(), CLIENT, MAX_MESSAGE)
        except (BadMessage, UnicodeDecodeError):
            return _refusal(refusal("bad_body"))
        except UploadError as refused:
            return _refusal(refused)
        try:
            match message["type"]:
                case "upload_register":
                    return _told(self._register(request, message))
                case "upload_resume":
                    return _told(self._resume(request, message))
                case "upload_cancel":
                    parked.remove(parked.find(request, message["upload_id"]), uploader_of(request))
                    return _told(messages.cancelled(message["ref"]))
                case _:
                    return self._finish(request, message)
        except UploadError as refused:
            if refused.code == "locked":
                return _refusal(refused)  # another request has it: the client asks again
            return _told(messages.error(message["ref"], refused))

    def _register(self, request: HttpRequest, message: Message) -> Message:
        self._mounted.mount()
        if self._uploads.slot(message["slot"]).external is not None:
            raise UploadError("storage_unavailable", _("This file can't be sent without a live connection."))
        entry = self._uploads.add(
            message["slot"], message["ref"], message["name"], message["size"], message["mime"], message["path"]
        )
        parked.begin(entry, request)
        janitor.come()
        return messages.registered(entry, 0, _grant(entry))

    def _resume(self, request: HttpRequest, message: Message) -> Message:
        """Resumes what a socket or an earlier page began."""
        self._mounted.mount()
        try:
            if self._uploads.slot(message["slot"]).is_remote:
                raise UploadError("unknown_ref")
            record = parked.resumable(request, message)
            entry = parked.measure(record, message["holder"], self._uploads.uploader)
        except UploadError as refused:
            return messages.not_resumed(message["ref"], refused)
        answer = messages.resumed(entry, 0, *entry.tail, external=_grant(entry))
        return {**answer, "ref": message["ref"]}

    def _finish(self, request: HttpRequest, message: Message) -> HttpResponse:
        """All bytes are sent: checks them and tells the view, as on a socket. It may consume the file right away.

        Otherwise the file waits for its form, and is checked again then: what the checks make from it is for the
        handler that consumes it.
        """
        ref, record = message["ref"], parked.find(request, message["upload_id"])
        self._mounted.mount()
        if parked.is_taken(record):
            return self._show([messages.consumed(ref)])
        slot = self._uploads.slot(record.slot)
        if slot.writer is not None and slot.progress is None:
            return _told(messages.ready(parked.staged(record, slot, ref)))
        entry = parked.take(self._uploads, record, ref)
        refused = parked.settle(self._uploads, entry)
        if refused is not None and not entry.is_over:
            if refused.passes:
                return _refusal(refused)  # it is parked, as it was: the client asks again
            raise refused
        if slot.progress is not None:
            self._tell(entry)
        if entry.is_consumed:
            parked.mark_taken(record)
            return self._show([messages.consumed(ref)])
        if entry.is_ready and parked.give_back(self._uploads, entry):
            told = messages.ready(entry)
            return _told(told) if slot.progress is None else self._show([told])
        self._uploads.discard([entry])
        raise refused or entry.upload.error or UploadError("server_error")

    def _tell(self, entry: UploadEntry) -> None:
        """Calls the slot's `progress` as a handler of the view."""
        assert entry.slot.progress is not None
        try:
            entry.slot.progress(entry)
        except Exception:
            logger.exception("progress callback failed")
            self._mounted.finished(succeeded=False)
            self._mounted.drop_effects()
            entry.fail(UploadError("server_error"))
        else:
            self._mounted.finished(succeeded=True)

    def _show(self, told: list[Message]) -> HttpResponse:
        return _with_page(told, http_page.render_page(self._mounted))

    # Bytes
    def _take(self, request: HttpRequest) -> HttpResponse:
        """A chunk. The view isn't even mounted for it; its log-in rules have been checked."""
        try:
            offset = _number(request, "Upload-Offset")
            length = _number(request, "Content-Length")
            if length > min(MAX_CHUNK, Caps(conf()).of(request.path)):
                raise UploadError("too_large")
            record = parked.find(request, request.headers.get("X-Upload-Id", ""))
            if parked.is_taken(record):
                return JsonResponse({"offset": record.size})
            if offset + length > record.size:
                raise UploadError("size_mismatch")
            there = parked.append(record, offset, _pieces(request), uploader_of(request))
            if there < offset:
                refused = UploadError("bad_offset")
                return JsonResponse({**described(refused), "offset": there}, status=status_of(refused))
            return JsonResponse({"offset": there})
        except UploadError as refused:
            return _refusal(refused)

    # Forms
    def _submit(self) -> HttpResponse:
        self._mounted.mount()
        response = http_page.answer_form(self._mounted)
        if isinstance(response, HttpResponseRedirect) and self._is_here(response.url):
            self._mounted.go_to(urlsplit(response.url).query)
            return _with_page(self._claims.answers, http_page.render_page(self._mounted), response.url)
        return _with_page(self._claims.answers, response)

    def _is_here(self, url: str) -> bool:
        """Whether a redirect only leads to this page again: it would end what else is on its way.

        What is in streams went with the answer.
        """
        parts = urlsplit(url)
        path = self._mounted.request.path
        return not parts.netloc and parts.path in ("", path) and not self._mounted.streams


def _grant(entry: UploadEntry) -> dict[str, Any]:
    """How the bytes are to be sent; see `static/uploads/fallback.js`."""
    return {"uploader": "chunks", "upload_id": entry.upload.id, "offset": entry.upload.durable}


def _with_page(told: list[Message], response: HttpResponse, url: str | None = None) -> HttpResponse:
    """The resulting page and perhaps its new address, or where it redirects. A refusal stays as it is."""
    if isinstance(response, HttpResponseRedirect):
        return JsonResponse({"messages": told, "redirect": response.url})
    if response.status_code != 200:
        return response
    page = {"messages": told, "page": response.content.decode()}
    return JsonResponse(page if url is None else {**page, "url": url})


def _told(message: Message) -> HttpResponse:
    return JsonResponse({"messages": [message]})


def _refusal(refused: UploadError) -> HttpResponse:
    return JsonResponse(described(refused), status=status_of(refused))


def _number(request: HttpRequest, name: str) -> int:
    """A header of digits. Raises `UploadError("bad_header")`."""
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= 16):
        raise refusal("bad_header")
    return int(value)


def _read(request: HttpRequest, most: int) -> bytes:
    body = bytes(request.read(most + 1))
    if len(body) > most:
        raise UploadError("too_large")
    return body


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.read(parked.BLOCK):
        yield piece
