"""The methods a browser may call, and how their arguments are bound.

A class's handlers are collected when it is created: a name from a message is looked up in that table and nowhere else.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, TypeVar, overload

from liveview.core.converters import describe, to

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["event", "function"]

MARK = "_liveview_kind"


class BadParams(Exception):
    """The arguments of an event don't fit its handler. The text names the argument and what was expected."""


@overload
def event_handler(method: F) -> F: ...
@overload
def event_handler() -> Callable[[F], F]: ...
def event_handler(method: Any = None) -> Any:
    """Marks a method that `dj-click`, `dj-submit`, … may call: `@event_handler` or `@event_handler()`.

    Parameters are filled by name from `data-*` values and form fields, converted to their annotation (`int`, `float`,
    `bool`, `str`, `Decimal`, `date`, `time`, `datetime`, `UUID`, an enum, `Literal`, `list[…]`, `dict`, `… | None`).
    What doesn't fit is refused before the call.
    """
    return _mark("event", method)


@overload
def server_function(method: F) -> F: ...
@overload
def server_function() -> Callable[[F], F]: ...
def server_function(method: Any = None) -> Any:
    """Marks a method that the page's JavaScript may call for its return value, which must be JSON."""
    return _mark("function", method)


def _mark(kind: Kind, method: Any) -> Any:
    if method is None:
        return lambda inner: _mark(kind, inner)
    if not inspect.isfunction(method):
        raise TypeError(f"Only a method can be marked as a handler, not {method!r}.")
    setattr(method, MARK, kind)
    return method


@dataclass(frozen=True)
class Handler:
    """One reachable method: its name and what it is for."""

    name: str
    kind: Kind
    method: Callable[..., Any]

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.method)

    def takes(self, name: str) -> bool:
        """Whether it has a parameter for an argument of this name."""
        takes = _takes(self.method)
        return takes.any or name in takes.fields

    def bind(self, view: object, params: Mapping[str, Any]) -> Callable[[], Any]:
        """The call of this handler with `params`. Raises `BadParams`."""
        takes = _takes(self.method)
        extra = {name: value for name, value in params.items() if name not in takes.fields}
        if extra and not takes.any:
            raise BadParams(f"Unexpected argument: {min(extra)[:50]}.")
        missing = [name for name, field in takes.fields.items() if field.required and name not in params]
        if missing:
            raise BadParams(f"Missing argument: {missing[0]}.")
        extra.pop(takes.me, None)
        bound = {name: _convert(name, params[name], field) for name, field in takes.fields.items() if name in params}
        return partial(self.method, view, **extra, **bound)


@dataclass(frozen=True)
class Field:
    annotation: Any
    required: bool


@dataclass(frozen=True)
class Takes:
    """What a method takes besides the view, which it calls `me`; `any` if it has `**kwargs` for everything else."""

    me: str
    fields: dict[str, Field]
    any: bool


def collect(view_class: type) -> dict[str, Handler]:
    """Every marked method of a class and its bases, by name.

    An override that isn't marked hides the one it overrides.
    """
    found: dict[str, Handler] = {}
    seen: set[str] = set()
    for base in view_class.__mro__:
        for name, value in vars(base).items():
            kind = getattr(value, MARK, None)
            if kind and name not in seen:
                found[name] = Handler(name, kind, value)
            seen.add(name)
    return found


@cache
def _takes(method: Callable[..., Any]) -> Takes:
    me, *parameters = inspect.signature(method).parameters.values()
    named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    fields = {each.name: Field(_resolve(method, each), each.default is each.empty) for each in named}
    return Takes(me.name, fields, any(each.kind is each.VAR_KEYWORD for each in parameters))


def _resolve(method: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """One parameter's annotation as a type. Not all at once, as others may name what only a type checker imports."""
    if parameter.annotation is parameter.empty:
        return Any
    holder = type("holder", (), {"__annotations__": {parameter.name: parameter.annotation}})
    known: dict[str, Any] = getattr(inspect.unwrap(method), "__globals__", {})
    try:
        return typing.get_type_hints(holder, globalns=known)[parameter.name]
    except NameError as unknown:
        raise TypeError(
            f"{method.__qualname__}: the annotation of {parameter.name} can't be read ({unknown}). Import what it names"
            " where it can be found at run time, at the top of its module."
        ) from None


def _convert(name: str, value: Any, field: Field) -> Any:
    try:
        return to(value, field.annotation)
    except ValueError:
        raise BadParams(f"{name} must be {describe(field.annotation)}.") from None
