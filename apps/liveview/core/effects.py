"""What a handler asks for besides new state: collected while it runs, carried out once it has succeeded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from liveview.core.messages import Message


@dataclass(frozen=True, slots=True)
class Send:
    """A message to the browser."""

    message: Message


@dataclass(frozen=True, slots=True)
class Address:
    """Another query in the address bar."""

    url: str
    replace: bool


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str


@dataclass(frozen=True, slots=True)
class Flash:
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Later:
    """Call the view's method `name` after `seconds`.

    key: of its timer. is_mounts: whether `mount` has begun it, or a timer that `mount` has begun.
    """

    seconds: float
    name: str
    params: dict[str, Any]
    key: int
    is_mounts: bool


@dataclass(frozen=True, slots=True)
class Start:
    """Run `function` in the background, under a name."""

    name: str
    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """End the background work of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    topic: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    topic: str


@dataclass(frozen=True, slots=True)
class Broadcast:
    topic: str
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fill:
    """All items of a stream, in place of those it has."""

    stream: str
    items: Iterable[Any]


@dataclass(frozen=True, slots=True)
class Insert:
    """One item into a stream at an index (-1: the end), or in place of the one with its id."""

    stream: str
    item: Any
    at: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes the element with that id from a stream."""

    stream: str
    id: str


Effect: TypeAlias = (
    Send
    | Address
    | Redirect
    | Flash
    | Later
    | Start
    | Stop
    | Subscribe
    | Unsubscribe
    | Broadcast
    | Fill
    | Insert
    | Delete
)
