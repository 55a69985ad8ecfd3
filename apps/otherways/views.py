"""One page with all the other ways in, and a list of what they have brought."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST

from otherways.intake import MAX_FILE_SIZE
from otherways.models import Received
from uploads.http.websocket import MAX_SIZE as MAX_SOCKET_SIZE
from uploads.owners import owner_of
from uploads.slots import megabytes

SHOWN: Final = 12


def other_ways(request: HttpRequest) -> HttpResponse:
    owner = owner_of(request)  # so that what this page sends belongs to its visitor
    own = Received.objects.filter(owner=owner)
    received = list(own.kept().order_by("-created_at")[:SHOWN])
    for file in received:
        file.weight = megabytes(file.size)  # type: ignore[attr-defined]  # for the template
    response = render(
        request,
        "otherways/other_ways.html",
        {
            "received": received,
            "deleted": own.recently_deleted().last(),
            "origin": request.build_absolute_uri("/")[:-1],
            "max_size": megabytes(MAX_FILE_SIZE),
            "max_bytes": MAX_FILE_SIZE,
            "max_socket_size": megabytes(MAX_SOCKET_SIZE),
            "max_socket_bytes": MAX_SOCKET_SIZE,
        },
    )
    add_never_cache_headers(response)
    return response


@require_POST
def delete(request: HttpRequest, guid: UUID) -> HttpResponse:
    return _mark(request, guid, timezone.now())


@require_POST
def undo(request: HttpRequest, guid: UUID) -> HttpResponse:
    return _mark(request, guid, None)


def _mark(request: HttpRequest, guid: UUID, deleted_at: datetime | None) -> HttpResponse:
    if not Received.objects.filter(owner=owner_of(request), pk=guid).update(deleted_at=deleted_at):
        raise Http404
    return redirect("otherways:other-ways")
