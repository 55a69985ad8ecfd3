"""A view without a page, for what surrounds it to be measured."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def plain(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")
