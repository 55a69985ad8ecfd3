"""`path("", include("uploads.urls"))` serves what is uploaded, below MEDIA_URL, from local storage.

It answers for no other file: what a project serves there by itself stays as it is, wherever it stands in the list.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, URLPattern, get_script_prefix, path, resolve

from uploads.serving.views import is_served, serve

__all__ = ["urlpatterns"]

_is_asking: Final = ContextVar("is_asking", default=False)


class _Media(URLPattern):
    """For a file that isn't ours it stands aside; if nobody else answers, the view does, with a 404 that says why."""

    def resolve(self, path: str) -> ResolverMatch | None:
        match = super().resolve(path)
        if match is None or is_served(match.kwargs["path"]):
            return match
        return None if _is_asking.get() or _is_anothers(f"/{path}") else match


def _is_anothers(address: str) -> bool:
    asking = _is_asking.set(True)
    try:
        resolve(address)
    except Resolver404:
        return False
    finally:
        _is_asking.reset(asking)
    return True


app_name = "uploads"
urlpatterns: list[URLPattern] = []
# MEDIA_URL begins with the path below which the site is served, if it is relative; what is resolved doesn't.
_folder = settings.MEDIA_URL.removeprefix(get_script_prefix()).lstrip("/")
if settings.MEDIA_URL.startswith("/") and _folder:  # which it isn't where it isn't set
    _pattern = path(f"{_folder}<path:path>", serve)
    urlpatterns.append(_Media(_pattern.pattern, serve, name="media"))
