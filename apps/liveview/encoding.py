"""Messages as JSON, with dates, decimals and lazy translations encoded as Django does it."""

from __future__ import annotations

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

_encoder = DjangoJSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: Any) -> str:
    """JSON that every browser can parse. Raises `TypeError` or `ValueError` for what JSON can't express.

    Text that isn't valid UTF-8 gets question marks, one for each UTF-16 unit, so that offsets stay right.
    """
    return _encoder.encode(value).encode("utf-8", "replace").decode()
