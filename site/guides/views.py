"""The guides, and a list of them."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from guides import pages, rendering
from guides.addresses import address
from guides.pages import Guide


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "guides/index.html", {"groups": _groups()})


def guide(request: HttpRequest, slug: str) -> HttpResponse:
    found = pages.present().get(slug)
    if found is None:
        raise Http404
    page = _rendered.__wrapped__(found) if settings.DEBUG else _rendered(found)
    sections = [heading for heading in page.headings if heading.level == 2]
    return render(
        request, "guides/guide.html", {"guide": found, "page": page, "sections": sections, "groups": _groups()}
    )


@cache
def _rendered(guide: Guide) -> rendering.Page:
    return rendering.page(guide.text, guide.path, address)


def _groups() -> list[tuple[str, list[Guide]]]:
    return [(group, list(those)) for group, those in groupby(pages.present().values(), lambda one: one.group)]
