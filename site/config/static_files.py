"""Static files of every version that runs, from whichever process is asked.

While one version takes the place of another, a page of either asks processes of both for its files, and each process
has only its own. So it puts them into the cache, where those of other versions find what they don't have.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from contextlib import suppress
from typing import Final
from wsgiref.headers import Headers

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from redis import RedisError
from whitenoise.middleware import WhiteNoiseMiddleware

from liveview import shared_cache

EVERY: Final = 3_600.0  # seconds
KEPT: Final = 7 * 86_400.0  # seconds for which others have them once no process of their version runs: pages stay open
_HASHED: Final = re.compile(r"\.[0-9a-f]{12}\.\w+$")


def share() -> None:
    """Puts the hashed files of this version into the cache, unless that has been done within the hour."""
    files: dict[str, str] = staticfiles_storage.hashed_files  # type: ignore[attr-defined]
    names = sorted(set(files.values()))
    version = f"static-version:{hashlib.sha256(repr(names).encode()).hexdigest()}"
    if shared_cache.get(version):
        return
    for name in names:
        with staticfiles_storage.open(name) as file:
            shared_cache.put(_key(name), gzip.compress(file.read(), mtime=0), KEPT)
    shared_cache.put(version, True, EVERY)


def _key(name: str) -> str:
    return f"static:{name}"


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise, and what other versions have put into the cache."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:  # type: ignore[override]
        url = request.path_info
        if url.startswith(self.static_prefix) and _HASHED.search(url) and url not in self.files:
            with suppress(RedisError):  # then we don't have it
                if zipped := shared_cache.get(_key(url.removeprefix(self.static_prefix))):
                    return self._answer(request, zipped)
        answer: HttpResponseBase = super().__call__(request)  # type: ignore[no-untyped-call]
        return answer

    def _answer(self, request: HttpRequest, zipped: bytes) -> HttpResponse:
        headers = Headers(
            [("Vary", "Accept-Encoding"), ("Cache-Control", f"max-age={self.FOREVER}, public, immutable")]
        )
        self.add_mime_headers(headers, request.path_info, request.path_info)  # type: ignore[no-untyped-call]
        if self.allow_all_origins:
            headers["Access-Control-Allow-Origin"] = "*"
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return HttpResponse(zipped, headers=dict(headers))
        return HttpResponse(gzip.decompress(zipped), headers=dict(headers))
