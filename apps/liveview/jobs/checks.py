"""System checks: whether those who are to do the jobs can, and do."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, connection

from liveview.conf import conf
from liveview.jobs.declared import BACKENDS, backend, kind_of

ENGINE = "procrastinate.contrib.django"


@register("liveview")
def check_backend(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    named = _named()
    if named == "procrastinate":
        return _check_engine()
    try:
        if named is not None:
            kind_of(named)
    except ImportError:
        known = ", ".join(f'"{name}"' for name in BACKENDS)
        return [
            Error(
                f"LIVEVIEW['JOBS'] names nothing that does jobs: {named!r}.",
                hint=f"Either {known}, or the dotted path of a class that is a liveview.jobs.Backend.",
                id="liveview.E009",
            )
        ]
    return []


def _check_engine() -> list[CheckMessage]:
    missing = [
        hint
        for is_there, hint in (
            (find_spec("procrastinate"), 'pip install "procrastinate>=3.10,<4"'),
            (apps.is_installed(ENGINE), f'INSTALLED_APPS = ["{ENGINE}", *INSTALLED_APPS]'),
            (connection.vendor == "postgresql", "a PostgreSQL in DATABASES"),
        )
        if not is_there
    ]
    if missing:
        return [Error("Workers can't do jobs: something is missing.", hint="; ".join(missing), id="liveview.E010")]
    if settings.CHANNEL_LAYERS.get("default", {}).get("BACKEND", "").endswith("InMemoryChannelLayer"):
        return [
            CheckWarning(
                "The channel layer is in memory: what a worker broadcasts reaches no page.",
                hint='CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", …}}',
                id="liveview.W007",
            )
        ]
    return []


@register(Tags.database)
def check_workers(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """For `check --database default`: whether there are any."""
    if not databases or _named() is None:
        return []
    try:
        complaint = backend().overview().complaint
    except (DatabaseError, ImportError):  # before the first migration
        return []
    hint = "Start what the Procfile calls worker: python manage.py liveview_worker"
    return [CheckWarning(f"{complaint}.", hint=hint, id="liveview.W008")] if complaint else []


def _named() -> str | None:
    """None if the setting is wrong, which another check tells."""
    try:
        named = conf().jobs
    except TypeError:
        return None
    return named if isinstance(named, str) else None
