"""Declared state of a view, and copies of it to go back to."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from typing import Any, ClassVar, Generic, Protocol, TypeVar, overload

from liveview.core.plain import is_plain

T = TypeVar("T")

_CONTAINERS = (list, dict, set, tuple, bytearray, deque, defaultdict, OrderedDict, Counter)


class state(Generic[T]):
    """A piece of a view's state: `count = state(0)`.

    Each view has its own copy of the default. Declared state is in the template's context, is rolled back when a
    handler raises, and outlives a reconnect; only the server ever sets it.
    """

    def __init__(self, default: T) -> None:
        self.default = default
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, view: None, owner: type) -> state[T]: ...
    @overload
    def __get__(self, view: object, owner: type) -> T: ...
    def __get__(self, view: Any, owner: type) -> Any:
        if view is None:
            return self
        if self.name not in view.__dict__:
            view.__dict__[self.name] = deepcopy(self.default)
        return view.__dict__[self.name]

    def __set__(self, view: object, value: T) -> None:
        view.__dict__[self.name] = value


class Stateful(Protocol):
    """A view, as far as state goes: what its class declares, and which attributes aren't state."""

    live_state: ClassVar[dict[str, state[Any]]]
    live_reserved: ClassVar[frozenset[str]]


def declared(view_class: type) -> dict[str, state[Any]]:
    """The `state` descriptors of a class by name, nearest class first."""
    found: dict[str, state[Any]] = {}
    for base in view_class.__mro__:
        for name, value in vars(base).items():
            if isinstance(value, state):
                found.setdefault(name, value)
    return found


def copy_containers(value: Any, copied: dict[int, Any] | None = None) -> Any:
    """A copy in which every container is new; anything else (a model, a queryset) is the same object.

    A container that occurs twice in the original is a single one in the copy as well.
    """
    kind = type(value)
    if kind not in _CONTAINERS and not (isinstance(value, tuple) and hasattr(kind, "_make")):
        return value
    copied = {} if copied is None else copied
    if id(value) not in copied:
        copied[id(value)] = twin = copy(value)
        match twin:
            case dict():
                for key, item in twin.items():
                    twin[key] = copy_containers(item, copied)
            case list() | deque():
                for index, item in enumerate(twin):
                    twin[index] = copy_containers(item, copied)
            case tuple():
                items = [copy_containers(item, copied) for item in twin]
                copied[id(value)] = tuple(items) if kind is tuple else kind._make(items)
    return copied[id(value)]


def public_items(view: Stateful) -> Iterator[tuple[str, Any]]:
    """What a template sees: declared state and every public attribute that the application set."""
    for name in view.live_state:
        yield name, getattr(view, name)
    for name, value in _own_items(view):
        if not name.startswith("_") and name not in view.live_state:
            yield name, value


def remember(view: Stateful) -> dict[str, Any]:
    """Everything that a handler may change: declared state and all attributes that the application set."""
    for name in view.live_state:
        getattr(view, name)  # makes the view's own copy of a default
    copied: dict[int, Any] = {}
    return {name: copy_containers(value, copied) for name, value in _own_items(view)}


def restore(view: Stateful, remembered: Mapping[str, Any]) -> None:
    """Restores what `remember` saw; attributes that were added since are removed."""
    for name, _value in _own_items(view):
        if name not in remembered:
            vars(view).pop(name, None)
    vars(view).update(remembered)


def portable(view: Stateful, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of what `remember` saw, or of `vars(view)`, the declared state that can be kept outside this process."""
    return {name: values[name] for name in view.live_state if name in values and is_plain(values[name])}


def _own_items(view: Stateful) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in vars(view).items() if name not in view.live_reserved]
