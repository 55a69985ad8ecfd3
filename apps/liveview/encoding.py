"""Messages as text, with Django's idea of what JSON can say of dates, decimals and translations."""

from __future__ import annotations

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

_encoder = DjangoJSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: Any) -> str:
    """JSON that every browser reads. Raises `TypeError` or `ValueError` for what isn't JSON.

    Text that can't be written as UTF-8 gets question marks, one for each UTF-16 unit, so that offsets stay right.
    """
    return _encoder.encode(value).encode("utf-8", "replace").decode()
