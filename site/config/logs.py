"""Logs go to stdout, a line each: for people on a developer's machine, as JSON for whatever gathers a host's."""

from __future__ import annotations

import json
import logging as python_logging
from datetime import UTC, datetime
from typing import Any, Final

from config.env import env


def logging(*, debug: bool) -> dict[str, Any]:
    """`LOGGING`. `LOG_FORMAT` is `json` or `text`."""
    form = env.choice("LOG_FORMAT", _FORMATS, default="text" if debug else "json")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": _FORMATS[form]}},
        "filters": {"brief": {"()": BriefRefusals}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "line",
                "filters": ["brief"],
            }
        },
        "loggers": {
            "django": {"handlers": []},  # by itself it has one of its own in debug mode, and one that sends mail
            "axes": {"level": "WARNING"},  # what it does, and that it is there, isn't news
            "procrastinate": {"level": "WARNING"},  # the same: liveview.jobs says what was done
        },
        "root": {"handlers": ["stdout"], "level": env.choice("LOG_LEVEL", _LEVELS, default="INFO")},
    }


class BriefRefusals(python_logging.Filter):
    """A request that Django refuses, such as one for another host, is one line: anybody may send thousands.

    Where in Django that happened is of no use to anybody.
    """

    def filter(self, record: python_logging.LogRecord) -> bool:
        if record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
        return True


class JsonLine(python_logging.Formatter):
    """An object per record: `time`, `level`, `logger`, `message`, and the `fields` that its logger has added."""

    def format(self, record: python_logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextLine(python_logging.Formatter):
    """`LEVEL logger message key=value …`."""

    def __init__(self) -> None:
        super().__init__("{levelname} {name} {message}", style="{")

    def formatMessage(self, record: python_logging.LogRecord) -> str:  # noqa: N802  (logging's own name)
        return " ".join(
            [super().formatMessage(record), *(f"{name}={value}" for name, value in _fields(record).items())]
        )


_FORMATS: Final[dict[str, type[python_logging.Formatter]]] = {"json": JsonLine, "text": TextLine}
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _fields(record: python_logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields
