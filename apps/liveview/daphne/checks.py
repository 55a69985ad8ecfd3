"""What `manage.py check` says about the server's parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from liveview.conf import conf


@register("liveview")
def check_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        limits = conf().body_limits
    except TypeError:
        return []  # liveview.E001
    if isinstance(limits, Sequence) and all(map(_is_limit, limits)):
        return []
    return [
        Error(
            "LIVEVIEW['BODY_LIMITS'] has to be a list of pairs: a path's beginning, and bytes.",
            hint='LIVEVIEW = {"BODY_LIMITS": [("/videos/", 500_000_000)]}; where the environment says it, '
            "LIVEVIEW_BODY_LIMITS='[[\"/videos/\", 500000000]]'",
            id="liveview.E007",
        )
    ]


def _is_limit(limit: Any) -> bool:
    match limit:
        case [str(prefix), int()]:
            return prefix.startswith("/")
    return False


@register("liveview")
def check_unmasking(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """autobahn's NVX extension is what makes binary messages fast: 900 MB/s with it, 10 without."""
    try:
        from autobahn import websocket
    except ImportError:
        return []
    if getattr(websocket, "USES_NVX", True):
        return []
    return [
        CheckWarning(
            "autobahn runs without its NVX extension: what arrives over WebSockets is unmasked in plain Python, "
            "a hundred times slower.",
            hint="Install a wheel of autobahn that has it, and don't set AUTOBAHN_USE_NVX=0.",
            id="liveview.W002",
        )
    ]
