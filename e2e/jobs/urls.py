from __future__ import annotations

import dataclasses

from django.core.asgi import get_asgi_application
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from liveview import jobs

application = get_asgi_application()


def want(request: HttpRequest) -> HttpResponse:
    """`name`, `share`, `cost` in the query; with `broken` the transaction is rolled back."""
    from e2e.jobs import work

    with transaction.atomic():
        asked = request.GET
        for name in asked.getlist("name"):
            work.want(name, asked.get("share", ""), float(asked.get("cost", "1")))
        if "broken" in asked:
            transaction.set_rollback(True)
            work.forget(*asked.getlist("name"))
    return HttpResponse()


def overview(request: HttpRequest) -> HttpResponse:
    found = jobs.backend().overview()
    return JsonResponse({**dataclasses.asdict(found), "complaint": found.complaint})


urlpatterns = [
    path("", lambda request: HttpResponse()),
    path("want", want),
    path("overview", overview),
]
