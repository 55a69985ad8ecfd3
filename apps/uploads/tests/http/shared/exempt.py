"""Two views, of which one takes requests from anywhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def view(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("exempt/", csrf_exempt(view)), path("guarded/", view)]
