"""Parts of a page that are drawn once: the same template with the same values looks the same, on every page.

A part sees nothing but plain values, and all of them are in its key, with their types. So it can't be out of date, and
nobody sees anything that their own page hasn't given to it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from django.template import Context
from django.template.loader import get_template
from django.urls import get_script_prefix, get_urlconf
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from liveview.process import here

MOST: Final = 4_000_000  # characters of the parts that one process remembers, with their values
PLAIN: Final = frozenset({str, SafeString, int, bool, type(None)})  # of which two that are equal also look so

Key: TypeAlias = tuple[Any, ...]


def part(template_name: str, values: Mapping[str, Any]) -> SafeString:
    """The HTML of a template that sees these values and nothing else. Raises `TypeError` for what isn't plain."""
    for name, value in values.items():
        if type(value) not in PLAIN:
            raise TypeError(f"{template_name}: {name} must be a text, a whole number, True, False or None")
    template: Any = get_template(template_name)
    types = tuple(map(type, values.values()))  # 1 is also True, and a text may be safe or not
    ambient = template.template, get_language(), get_script_prefix(), get_urlconf()
    key = (*ambient, *values, *types, *values.values())
    known = here(_Parts).get(key)
    if known is None:
        known = template.template.render(Context(dict(values), autoescape=template.backend.engine.autoescape))
        here(_Parts).put(key, known)
    return known


class _Parts:
    """The latest that were drawn or asked for."""

    def __init__(self) -> None:
        self._parts: OrderedDict[Key, SafeString] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> SafeString | None:
        with self._lock:
            found = self._parts.get(key)
            if found is not None:
                self._parts.move_to_end(key)
            return found

    def put(self, key: Key, html: SafeString) -> None:
        with self._lock:
            if key not in self._parts:
                self._parts[key] = html
                self._size += _size(key, html)
            while self._size > MOST:
                self._size -= _size(*self._parts.popitem(last=False))


def _size(key: Key, html: str) -> int:
    return len(html) + sum(len(each) for each in key if isinstance(each, str))
