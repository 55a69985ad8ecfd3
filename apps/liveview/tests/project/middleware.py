from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def turn_away_the_banned(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        if request.COOKIES.get("banned"):
            return HttpResponse("no", status=403)
        return get_response(request)

    return middleware
