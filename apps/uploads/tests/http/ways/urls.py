from __future__ import annotations

import hashlib
import json

from django.contrib.auth import get_user_model, login, logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

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


@csrf_exempt
def own_upload(request: HttpRequest) -> HttpResponse:
    """A project's own way to take a form, whose progress its own view tells."""
    digest, handler = hashlib.sha256(), request.upload_handlers[0]
    for chunk in request.FILES["picture"].chunks():
        digest.update(chunk)
    return JsonResponse({"sha256": digest.hexdigest(), "id": request.POST.get("id"), "handler": type(handler).__name__})


def own_progress(request: HttpRequest) -> HttpResponse:
    """As seeds/002 has it."""
    cache_key = "%s_%s" % (request.META["REMOTE_ADDR"], request.GET["X-Progress-ID"])  # noqa: UP031
    data = cache.get(cache_key)
    return HttpResponse(json.dumps(data))


urlpatterns = [
    path("own/upload", own_upload),
    path("own/get_upload_progress", own_progress),
    path("up/", up),
    path("visit/", visit),
    path("enter/", enter),
    path("leave/", leave),
    path("", include("uploads.http.urls")),
]
