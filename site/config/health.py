"""What a host asks to know whether to keep this process, and whether to send visitors to it.

A host asks from inside its network: by an address instead of a name, and without HTTPS. So the answers come from a
middleware, before a request's host and scheme are looked at.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import sync_and_async_middleware

from config.metrics import metrics
from liveview import jobs
from uploads.conf import conf

logger = logging.getLogger("config.health")


@sync_and_async_middleware
def probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Answers what hosts ask; the first of all middleware."""
    views = {"/healthz": healthz, "/readyz": readyz, **({"/metrics": metrics} if settings.METRICS else {})}
    if not iscoroutinefunction(get_response):
        return lambda request: views.get(request.path_info, get_response)(request)  # type: ignore[no-untyped-call]

    async def answer(request: HttpRequest) -> HttpResponse:
        view = views.get(request.path_info)
        response: HttpResponse = await (sync_to_async(view)(request) if view else get_response(request))
        return response

    return answer


def healthz(_request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers. It touches neither the database nor a cache."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> HttpResponse:
    """Readiness: a 503 while the database is away, without which no page is served. Why is in the log.

    What else has failed is told, and takes no instance away from visitors: pages and uploads go on without a cache, and
    without a bucket they say what doesn't work. A host that took out every instance would make an outage of it.
    """
    parts = {name: "ok" if _works(name, check) else "failed" for name, check in CHECKS.items()}
    parts["jobs"] = _jobs()
    response = JsonResponse(parts, status=200 if parts["database"] == "ok" else 503)
    response["Cache-Control"] = "no-store"
    return response


def _jobs() -> str:
    """Whether somebody does what waits, such as processing a video."""
    try:
        return jobs.backend().overview().complaint or "ok"
    except DatabaseError:  # which says so itself
        return "failed"


def _works(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:  # noqa: BLE001  (whatever the driver raises)
        logger.warning("readiness: %s failed", name, exc_info=True)
        return False
    return True


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    key, value = f"readyz:{secrets.token_hex(8)}", secrets.token_hex(8)
    cache.set(key, value, 10)
    if cache.get(key) != value:
        raise RuntimeError("the cache has lost a value")
    cache.delete(key)


def _storage() -> None:
    """Published files can be asked for, and there is room for those that come in."""
    default_storage.exists("readyz")
    folder = conf().staging_dir
    folder.mkdir(0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"readyz")


CHECKS: Final[dict[str, Callable[[], None]]] = {"database": _database, "cache": _cache, "storage": _storage}
