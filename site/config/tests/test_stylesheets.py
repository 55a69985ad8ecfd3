"""Which elements the stylesheets of apps and packages are for: those that we draw, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tinycss2
from django.conf import settings

ROOT = Path(settings.ROOT)
SHEETS = sorted(ROOT.glob("apps/*/static/**/*.css"))
SITES = sorted(ROOT.glob("static/*.css"))

OURS = ("uplift", "uplift-page", "flashes", "live-", "upload-")  # classes; with a dash at the end, how they begin
OUR_ATTRIBUTES = ("dj-", "data-live-")
# Which say how the page is: the root element has them, and everything is below it.
STATES = {f"live-{state}" for state in ("connected", "reconnecting", "failed", "fallback", "absent", "lacking")}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_a_stylesheet_is_for_what_we_draw(sheet: Path) -> None:
    assert not list(foreign(sheet.read_text()))


@pytest.mark.parametrize(
    "text",
    [
        ".card { margin: 0 }",
        "progress { margin: 0 }",
        "[hidden] { display: none }",
        ".uplift, .card { margin: 0 }",
        ".live-failed .no-js { margin: 0 }",
        ":is(.upload-name, .card) { margin: 0 }",
        ".card:not(.upload-name) { margin: 0 }",
        "@media print { .card { margin: 0 } }",
        ".uplift { .live-failed :is(&, .card) { margin: 0 } }",
        ":root { --accent: red }",
        "@keyframes pulse { to { opacity: 0 } }",
        '@font-face { font-family: "Inter" }',
        "@layer base;",
    ],
)
def test_a_rule_for_other_elements_would_be_seen(text: str) -> None:
    assert list(foreign(text))


# Of one side, whichever way people read.
SIDED = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border)-(?:left|right)[\w-]*|border-(?:top|bottom)-(?:left|right)-radius|left|right|float)"
    r"\s*:[^;}]*|text-align:\s*(?:left|right)"
)
MIDDLE = {"left: 50%", "right: auto"}  # of the banner


@pytest.mark.parametrize("sheet", [*SHEETS, *SITES], ids=lambda path: path.name)
def test_a_stylesheet_knows_beginning_and_end_instead_of_left_and_right(sheet: Path) -> None:
    assert {found[0] for found in SIDED.finditer(sheet.read_text())} <= MIDDLE


def foreign(text: str) -> Iterator[str]:
    """What in a stylesheet may be for others' elements, or is of the page as a whole."""
    yield from _foreign(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True))


def _foreign(rules: Iterable[Any], *, nested: bool = False) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = list(_split(rule.prelude, ","))
            inside = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
            declared = [each.name for each in inside if each.type == "declaration"]
            if declared and all(name.startswith("--live-") for name in declared):
                continue
            yield from (_text(one) for one in selectors if not _is_ours(one, nested=nested))
            yield from (name for name in declared if name.startswith("--"))
            yield from _foreign([each for each in inside if each.type != "declaration"], nested=True)
        elif rule.type == "at-rule" and rule.at_keyword in {"media", "supports"}:
            inside = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
            yield from _foreign([each for each in inside if each.type != "declaration"], nested=nested)
        elif rule.type != "at-rule" or rule.at_keyword != "keyframes" or not _text(rule.prelude).startswith("live-"):
            yield rule.serialize()


def _is_ours(selector: list[Any], *, nested: bool) -> bool:
    """Whether all that it selects is ours, or within what is. A nested one is, unless it says where it stands."""
    names_parent = any(token == "&" for token in selector)
    asks_elsewhere = "&" in _text(selector) and not names_parent
    if nested and not asks_elsewhere:
        return True
    return any(_is_anchor(token, before) for before, token in zip([None, *selector], selector, strict=False))


def _is_anchor(token: Any, before: Any) -> bool:
    """A class or an attribute of ours, or a choice among such."""
    if token.type == "ident" and before == ".":
        return token.value not in STATES and any(
            token.value.startswith(name) if name.endswith("-") else token.value == name for name in OURS
        )
    if token.type == "[] block":
        return _text(token.content).startswith(OUR_ATTRIBUTES)
    if token.type == "function" and token.name in {"is", "where"}:
        return all(_is_ours(one, nested=False) for one in _split(token.arguments, ","))
    return False


def _split(tokens: Iterable[Any], at: str) -> Iterator[list[Any]]:
    part: list[Any] = []
    for token in tokens:
        if token == at:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _text(tokens: Iterable[Any]) -> str:
    return str(tinycss2.serialize(tokens)).strip()
