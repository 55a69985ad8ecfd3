"""Plain data, and how it is kept between processes: as JSON, from which only plain data can come.

JSON has no tuples, dates or safe texts. Whatever it lacks becomes an object with one key, which says what it is:
`(1, 2)` is `{"tuple": [1, 2]}`.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString

PLAIN_LEAVES: Final = (
    *(str, SafeString, int, float, bool, type(None), bytes, Decimal, UUID),
    *(date, datetime, time, timedelta),
)


def is_plain(value: Any) -> bool:
    """Whether a value is made of plain data only, so that it can be kept between processes."""
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        return all(is_plain(item) for item in value)
    if kind is dict:
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    return kind in PLAIN_LEAVES or isinstance(value, Enum)


def dumps(value: Any) -> str:
    """Raises `TypeError` or `ValueError` for what isn't plain."""
    return json.dumps(_told(value), separators=(",", ":"))


def loads(text: str) -> Any:
    """What `dumps` was given. Raises `ValueError` for anything else.

    No text makes it call or import anything: of an enum, only a member that this process has already is found.
    """
    try:
        return _read(json.loads(text))
    except (ArithmeticError, AttributeError, KeyError, LookupError, RecursionError, TypeError) as wrong:
        raise ValueError("not plain data") from wrong


def _told(value: Any) -> Any:
    kind = type(value)
    if kind in (str, int, float, bool, type(None)):
        return value
    if kind is list:
        return [_told(item) for item in value]
    if isinstance(value, Enum):
        return {"enum": [kind.__module__, kind.__qualname__, _told(value.value)]}
    name, tell = _TELL[kind]
    return {name: tell(value)}


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((name, told),) = value.items()
    return _READ[name](told)


def _tell_items(value: Any) -> list[Any]:
    return [_told(item) for item in value]


def _read_dict(told: Any) -> dict[Any, Any]:
    return {_read(key): _read(item) for key, item in told}


def _tell_datetime(value: datetime) -> list[Any]:
    """By its zone's name, where it has one: what is an hour later depends on it."""
    if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key:
        return [value.replace(tzinfo=None).isoformat(), value.tzinfo.key, value.fold]
    return [value.isoformat(), None, value.fold]


def _read_datetime(told: Any) -> datetime:
    text, zone, fold = told
    read = datetime.fromisoformat(text).replace(fold=fold)
    return read if zone is None else read.replace(tzinfo=ZoneInfo(zone))


def _read_enum(told: Any) -> Enum:
    module, name, value = told
    found: Any = sys.modules[module]
    for part in name.split("."):
        found = vars(found)[part]
    if not (isinstance(found, type) and issubclass(found, Enum)):
        raise ValueError("no enum")
    return found(_read(value))


_TELL: Final[dict[type, tuple[str, Callable[[Any], Any]]]] = {
    dict: ("dict", lambda value: [[_told(key), _told(item)] for key, item in value.items()]),
    tuple: ("tuple", _tell_items),
    set: ("set", _tell_items),
    frozenset: ("frozenset", _tell_items),
    SafeString: ("safe", str.__str__),
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
    Decimal: ("decimal", str),
    UUID: ("uuid", str),
    date: ("date", date.isoformat),
    datetime: ("datetime", _tell_datetime),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
}
_READ: Final[dict[str, Callable[[Any], Any]]] = {
    "dict": _read_dict,
    "tuple": lambda told: tuple(map(_read, told)),
    "set": lambda told: set(map(_read, told)),
    "frozenset": lambda told: frozenset(map(_read, told)),
    "safe": SafeString,
    "bytes": lambda told: base64.b64decode(told, validate=True),
    "decimal": Decimal,
    "uuid": UUID,
    "date": date.fromisoformat,
    "datetime": _read_datetime,
    "time": time.fromisoformat,
    "timedelta": lambda told: timedelta(*told),
    "enum": _read_enum,
}
