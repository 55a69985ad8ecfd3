from __future__ import annotations

from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from uploads.owners import owner_of


def up(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("up\n")


def visit(request: HttpRequest) -> HttpResponse:
    """A page with uploads: its visitor has an owner's name from now on."""
    return HttpResponse(owner_of(request))


def enter(request: HttpRequest) -> HttpResponse:
    user, _ = get_user_model().objects.get_or_create(username=request.GET["name"])
    login(request, user)
    return HttpResponse(owner_of(request))


def leave(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("bye\n")


urlpatterns = [
    path("up/", up),
    path("visit/", visit),
    path("enter/", enter),
    path("leave/", leave),
    path("", include("uploads.http.urls")),
]
