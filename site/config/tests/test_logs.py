"""Lines that a machine can read, and numbers for Prometheus."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

from django.test import Client, RequestFactory
from prometheus_client import REGISTRY

from config import logs, metrics


def record(message: str, *args: object, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("uploads.events", logging.INFO, "f.py", 1, message, args, more.pop("exc_info", None))
    vars(made).update(more)
    return made


def test_a_line_is_json_with_the_fields_of_its_logger() -> None:
    line = logs.JsonLine().format(record("upload %s", "ready", fields={"bytes": 12, "outcome": "ok"}))

    found = json.loads(line)
    assert (found["message"], found["bytes"], found["outcome"], found["level"]) == ("upload ready", 12, "ok", "INFO")
    assert found["time"].endswith("+00:00")


def test_a_message_with_line_ends_stays_one_line() -> None:
    line = logs.JsonLine().format(record("a\nforged INFO line"))

    assert "\n" not in line
    assert json.loads(line)["message"] == "a\nforged INFO line"


def test_an_exception_is_part_of_its_line() -> None:
    try:
        raise ValueError("wrong")
    except ValueError as error:
        line = logs.JsonLine().format(record("failed", exc_info=(ValueError, error, error.__traceback__)))

    assert "\n" not in line
    assert "ValueError: wrong" in json.loads(line)["exception"]


def test_people_read_text() -> None:
    line = logs.TextLine().format(record("upload ready", fields={"bytes": 12}))

    assert line == "INFO uploads.events upload ready bytes=12"


# -- Metrics


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_an_accepted_upload_is_counted_with_its_bytes_and_its_time() -> None:
    labels = {"slot": "counted", "event": "ready", "outcome": "ok"}
    fields = {"slot": "counted", "event": "ready", "outcome": "ok", "size": 1000, "seconds": 0.2}

    metrics.count(event="ready", fields=fields)
    metrics.count(event="rejected", fields={**fields, "event": "rejected", "outcome": "too_large"})

    assert value("uploads_events_total", **labels) == 1
    assert value("uploads_events_total", slot="counted", event="rejected", outcome="too_large") == 1
    assert value("uploads_bytes_total", slot="counted") == 1000
    assert value("uploads_seconds_bucket", slot="counted", le="0.3") == 1


def test_a_child_that_died_over_a_file_is_counted() -> None:
    metrics.count_child(job="image", sender=None)

    assert value("uploads_children_died_total", job="image") == 1


def test_metrics_are_shown_to_those_who_know_the_token(rf: RequestFactory, settings: Any) -> None:
    settings.METRICS_TOKEN = "secret"

    refused = metrics.metrics(rf.get("/metrics"))
    wrong = metrics.metrics(rf.get("/metrics", HTTP_AUTHORIZATION="Bearer other"))
    shown = metrics.metrics(rf.get("/metrics", HTTP_AUTHORIZATION="Bearer secret"))

    assert (refused.status_code, wrong.status_code, shown.status_code) == (401, 401, 200)
    assert b"uploads_seconds" in shown.content


def test_nobody_is_shown_metrics_unless_the_site_wants_it(settings: Any) -> None:
    assert Client().get("/metrics").status_code == 404

    settings.METRICS = True
    settings.METRICS_TOKEN = "secret"

    assert Client().get("/metrics").status_code == 401
    assert Client().get("/metrics", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_a_request_for_another_host_is_one_line() -> None:
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.addFilter(logs.BriefRefusals())
    logger = logging.getLogger("django.security.DisallowedHost")
    logger.addHandler(handler)
    try:
        response = Client(raise_request_exception=False).get("/", headers={"Host": "evil.example"})
    finally:
        logger.removeHandler(handler)

    assert response.status_code == 400
    assert "isn't at this address" in response.text and "too many files" not in response.text
    (line,) = stream.getvalue().splitlines()
    assert "evil.example" in line
    assert "brief" in logs.logging(debug=False)["handlers"]["stdout"]["filters"]


def test_a_fault_of_our_own_keeps_its_traceback() -> None:
    ours = record("failed", exc_info=(ValueError, ValueError("x"), None))
    logs.BriefRefusals().filter(ours)
    assert ours.exc_info
