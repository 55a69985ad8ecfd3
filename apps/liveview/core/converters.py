"""Converts the values of JSON and forms to the types that a handler's parameters are annotated with.

`to` raises `ValueError` for a value that doesn't fit, and `TypeError` for an annotation that no value from a browser
can have: that is a mistake in the application.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final, Literal, Union
from uuid import UUID

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")
_LARGEST: Final = 2**63  # of a signed 64-bit integer, as in databases

_NAMES: Final = {int: "a whole number", float: "a number", Decimal: "a number", bool: "true or false", str: "text"}


def to(value: Any, annotation: Any) -> Any:
    """`value` as `annotation`."""
    origin, args = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin is Any or origin is object:
        return value
    if origin in (Union, types.UnionType):
        return _to_union(value, args)
    if origin is list:
        return [to(item, args[0] if args else Any) for item in (value if isinstance(value, list) else [value])]
    if origin is dict:
        return _expect(value, isinstance(value, dict))
    if origin is Literal:
        return _expect(value, any(value == option and type(value) is type(option) for option in args))
    return _to_scalar(value, annotation)


def describe(annotation: Any) -> str:
    """What a value should have been, for the visitor."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        options = [option for option in typing.get_args(annotation) if option is not type(None)]
        return " or ".join(map(describe, options))
    return _NAMES.get(annotation) or f"a valid {getattr(annotation, '__name__', annotation)}"


def _to_union(value: Any, options: tuple[Any, ...]) -> Any:
    """The first option that fits. An empty field is None if the union has None and no `str`."""
    if type(None) in options and (value is None or (value == "" and str not in options)):
        return None
    for option in options:
        if option is not type(None):
            try:
                return to(value, option)
            except ValueError:
                continue
    raise ValueError


def _to_scalar(value: Any, wanted: Any) -> Any:
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return _to_enum(value, wanted)
    convert = _SCALARS.get(wanted)
    if convert is None:
        raise TypeError(f"An event's argument can't be a {wanted!r}.")
    if not isinstance(value, str | int | float):
        raise ValueError
    try:
        return convert(value)
    except (InvalidOperation, TypeError, OverflowError):
        raise ValueError from None


def _to_str(value: Any) -> str:
    """Without NUL characters, which PostgreSQL can't store."""
    return str(_expect(value, isinstance(value, str) and "\0" not in value))


def _to_bool(value: Any) -> bool:
    """A checked checkbox sends `on` or `true`; an unchecked one sends nothing and gets the handler's default."""
    if isinstance(value, bool):
        return value
    if value in ("true", "on", "1"):
        return True
    if value in ("false", "off", "0", ""):
        return False
    raise ValueError


def _to_int(value: Any) -> int:
    is_integer = type(value) is int or (isinstance(value, str) and _INTEGER.fullmatch(value))
    number = int(_expect(value, bool(is_integer)))
    return int(_expect(number, -_LARGEST <= number < _LARGEST))


def _to_float(value: Any) -> float:
    number = float(_numeric(value))
    return float(_expect(number, math.isfinite(number)))


def _numeric(value: Any) -> str:
    is_number = type(value) in (int, float) or (isinstance(value, str) and _NUMBER.fullmatch(value))
    return str(_expect(value, bool(is_number)))


def _to_enum(value: Any, wanted: type[Enum]) -> Enum:
    """By value; what a form sends is text, whatever the enum's values are."""
    for member in wanted:
        if member.value == value or (isinstance(value, str) and str(member.value) == value):
            return member
    raise ValueError


def _expect(value: Any, fits: bool) -> Any:
    if not fits:
        raise ValueError
    return value


_SCALARS: Final[dict[Any, Callable[[Any], Any]]] = {
    str: _to_str,
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    Decimal: lambda value: Decimal(_numeric(value)),
    UUID: lambda value: UUID(_to_str(value)),
    date: lambda value: date.fromisoformat(_to_str(value)),
    time: lambda value: time.fromisoformat(_to_str(value)),
    datetime: lambda value: datetime.fromisoformat(_to_str(value)),
}
