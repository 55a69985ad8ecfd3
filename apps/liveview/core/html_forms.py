"""The forms of a page, read from its HTML: what their attributes say is said to browsers with scripts only."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class HtmlForm:
    """`event` is that of `dj-submit`; `clicks` are the events of its buttons with `dj-click`."""

    attributes: dict[str, str | None]
    clicks: set[str] = field(default_factory=set)

    @property
    def event(self) -> str:
        return self.attributes.get("dj-submit") or ""


def forms_in(html: str) -> list[HtmlForm]:
    """Every form, in the order of the page. A button belongs to the form around it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.forms.append(HtmlForm(attributes))
            self._is_inside = True
        elif self._is_inside and attributes.get("name") == "_event" and "dj-click" in attributes:
            self.forms[-1].clicks.add(attributes.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
