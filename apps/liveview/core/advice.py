"""What a page's HTML says that can't work, for its developer: directives and events that don't exist."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from difflib import get_close_matches
from html.parser import HTMLParser
from typing import Final, TypeAlias

EVENTS: Final = frozenset({"dj-click", "dj-submit", "dj-keydown", "dj-change", "dj-input"})
DIRECTIVES: Final = EVENTS | {
    "dj-confirm",
    "dj-debounce",
    "dj-form-pending",
    "dj-hook",
    "dj-ignore",
    "dj-key",
    "dj-loading",
    "dj-stream",
    "dj-throttle",
}

Check: TypeAlias = Callable[[str, str], str | None]


def advise(html: str, directives: Collection[str], checks: Collection[Check]) -> Iterator[str]:
    """A sentence for each thing that is wrong.

    directives: all that there are. checks: what is wrong with the value of one, or None.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    for tag, name, value in reader.found:
        if name not in directives:
            yield f"<{tag} {name}> is no directive{meant(name, directives)}"
            continue
        yield from filter(None, (check(name, value) for check in checks))


def meant(name: str, names: Collection[str]) -> str:
    """The end of a sentence that says what else there is."""
    near = get_close_matches(name, names, 1)
    if near:
        return f": did you mean {near[0]!r}?"
    return f". What there is: {', '.join(sorted(names))}." if names else "."


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[tuple[str, str, str], None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name, value or ""): None for name, value in attrs if name.startswith("dj-")}
