"""The declaration of a stream: its name, the template of one item, and what tells items apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_NAME: Final = re.compile(r"[A-Za-z_]\w{0,99}")


@dataclass(frozen=True, slots=True)
class Stream:
    """`template` renders one `item`, as one element with `id="{{ dom_id }}"`; `key` tells items apart."""

    name: str
    template: str
    key: Callable[[Any], Any]

    def dom_id(self, item: Any) -> str:
        return f"{self.name}-{self.key(item)}"


def declare(name: str, template: str, key: Callable[[Any], Any] | None) -> Stream:
    if not _NAME.fullmatch(name):
        raise ValueError(f"A stream is named like a variable, not {name!r}.")
    return Stream(name, template, key or primary_key)


def primary_key(item: Any) -> Any:
    """A model's primary key, or what a dict or an object calls `id`."""
    if isinstance(item, dict):
        return item["id"]
    return item.pk if hasattr(item, "pk") else item.id
