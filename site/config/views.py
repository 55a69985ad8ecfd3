"""The pages that belong to no demo.

Those of errors are Django's, except that they don't ask for the form's CSRF token: where it is the form that can't be
read, that fails once more, and no page comes of it.
"""

from __future__ import annotations

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    template = "400_host.html" if isinstance(exception, DisallowedHost) else "400.html"
    return render(request, template, status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    return HttpResponse(render_to_string("500.html"), status=500)
