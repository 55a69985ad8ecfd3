"""Metrics for Prometheus, where `METRICS` asks for them: `/metrics`, by its own client library.

Each process tells of itself, to those who send `Authorization: Bearer <token>` with the token of `METRICS_TOKEN`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from liveview import jobs
from uploads.events import child_died, upload_event

EVENTS: Final = Counter("uploads_events", "Uploads, by what became of them.", ["slot", "event", "outcome"])
BYTES: Final = Counter("uploads_bytes", "Bytes of the uploads that were accepted.", ["slot"])
SECONDS: Final = Histogram(
    "uploads_seconds",
    "How long an accepted upload took, from its registration or the last time it was resumed.",
    ["slot"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000),
)
CHILDREN: Final = Counter("uploads_children_died", "Child processes that ended over a file, by their job.", ["job"])


def count(*, event: str, fields: dict[str, Any], **_: Any) -> None:
    """Receives `upload_event`."""
    slot = fields["slot"]
    EVENTS.labels(slot, event, fields["outcome"]).inc()
    if event == "ready":
        BYTES.labels(slot).inc(fields["size"])
        SECONDS.labels(slot).observe(fields["seconds"])


def count_child(*, job: str, **_: Any) -> None:
    """Receives `child_died`."""
    CHILDREN.labels(job).inc()


class Jobs(Collector):
    """How background jobs stand when somebody asks. Where workers do them, every process tells the same of all."""

    def describe(self) -> list[Metric]:
        return []  # asking the database for it can wait

    def collect(self) -> Iterator[Metric]:
        try:
            found = jobs.backend().overview()
        except DatabaseError:  # which is away
            return
        states = GaugeMetricFamily("jobs", "Background jobs, by their state.", labels=["state"])
        for state in ("waiting", "running", "failed"):
            states.add_metric([state], getattr(found, state))
        yield states
        yield GaugeMetricFamily("jobs_oldest_seconds", "For how long a job has waited that is due.", found.oldest)
        yield GaugeMetricFamily("jobs_workers", "Workers that give signs of life.", found.workers)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


if settings.METRICS:
    REGISTRY.register(Jobs())
    upload_event.connect(count, dispatch_uid="config.metrics")
    child_died.connect(count_child, dispatch_uid="config.metrics")
