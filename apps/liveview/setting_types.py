"""Checks the values of a setting against the types of its dataclass, for the system checks of each app.

Settings are dicts (`LIVEVIEW`, `UPLOADS` …) whose values may come from the environment, where everything is text:
`8MB` as a number of bytes would go unnoticed until the first visitor comes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import is_
from types import NoneType
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from django.core.checks import CheckMessage, Error

__all__ = ["PositiveFloat", "PositiveInt", "mistyped"]

T = TypeVar("T")

# For fields where 0 would stop everything.
PositiveInt: TypeAlias = Annotated[int, "positive"]
PositiveFloat: TypeAlias = Annotated[float, "positive"]


class _Kind(NamedTuple):
    name: str
    fits: Callable[[Any], bool]
    is_secret: bool = False  # a wrong value may hold one


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_whole(value: Any) -> bool:
    return _is_number(value) and isinstance(value, int)


# Lists are checked by the code that knows their contents, and a path can be made of anything.
_KINDS: Final[dict[Any, _Kind]] = {
    bool: _Kind("true or false", lambda value: isinstance(value, int) and value in (0, 1)),
    int: _Kind("a whole number, and not below 0", _is_whole),
    PositiveInt: _Kind("a whole number above 0", lambda value: _is_whole(value) and value > 0),
    float: _Kind("a number, and not below 0", _is_number),
    PositiveFloat: _Kind("a number above 0", lambda value: _is_number(value) and value > 0),
    str: _Kind("a text", lambda value: isinstance(value, str), is_secret=True),
    Mapping: _Kind("a dict, in JSON an object", lambda value: isinstance(value, Mapping), is_secret=True),
}


def latest(make: Callable[..., T]) -> Callable[..., T]:
    """`make`, which is called again when one of its arguments, or a value in one of those dicts, is another object than
    at the last call: a setting that each page asks for a dozen times seldom changes.
    """
    last: tuple[list[dict[str, Any]], T] | None = None

    def made(*dicts: Mapping[str, Any], **others: Any) -> T:
        nonlocal last
        given, known = [others, *dicts], last
        if known is None or not all(map(_is_the_same, given, known[0])):
            known = last = [dict(each) for each in given], make(*dicts, **others)
        return known[1]

    return made


def _is_the_same(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    return list(now) == list(then) and all(map(is_, now.values(), then.values()))


def mistyped(setting: str, values: Any, *, check_id: str) -> list[CheckMessage]:
    """An error, with a right value to paste, for each field of a dataclass that isn't of the kind it is annotated with.

    setting: the name of the dict that `values` was made of. `check_id` is the errors'.
    The right value is the field's `metadata["example"]`, else its default.
    """
    annotations = get_type_hints(type(values), include_extras=True)
    found: list[CheckMessage] = []
    for field in fields(values):
        value, key = getattr(values, field.name), field.name.upper()
        kind = _misfit(annotations[field.name], value)
        if kind is not None:
            shown = "" if kind.is_secret else f": it is {value!r:.60}"
            hint = _example(setting, key, field.metadata.get("example", field.default))
            found.append(Error(f'{setting}["{key}"] has to be {kind.name}{shown}.', hint=hint, id=check_id))
    return found


def _misfit(annotation: Any, value: Any) -> _Kind | None:
    """What the value should have been; None if it is, or if that can't be told here."""
    alternatives = get_args(annotation)
    if NoneType in alternatives:
        if value is None:
            return None
        (annotation,) = (each for each in alternatives if each is not NoneType)
    kind = _KINDS.get(annotation) or _KINDS.get(get_origin(annotation))
    return None if kind is None or kind.fits(value) else kind


def _example(setting: str, key: str, example: Any) -> str:
    line = f'{setting} = {{"{key}": {example!r}}}'
    if not setting.isidentifier():  # a dict within one: its keys have no variables
        return line
    text = example if isinstance(example, str) else json.dumps(example)
    return f"{line}; where the environment says it, {setting}_{key}={text}"
