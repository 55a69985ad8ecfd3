"""Markdown → HTML: headings with addresses, code highlighted, links that lead to the site's own pages.

HTML in it is shown as text, but for the comments that name the file of a code block.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

Address = Callable[[str], str | None]  # of a file, by its path from the project's folder; None if it has none

_NAME: Final = re.compile(r"<!--\s*(?:file:\s*)?(.*?)\s*-->")
_OUTSIDE: Final = re.compile(r"[a-z]+:|//|/|#")


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    html: SafeString
    headings: tuple[Heading, ...]


def page(text: str, path: str, address: Address) -> Page:
    """A whole file. `path` is its own, from the project's folder: links in it are relative to that."""
    tokens = _tokens(text)
    return Page(_html(tokens, path, address), tuple(_headings(tokens)))


def section(text: str, title: str, path: str, address: Address) -> SafeString:
    """What stands below a heading, without that, up to the next of its level. Raises `LookupError` if there is none."""
    tokens = _tokens(text)
    starts = [at for at, token in enumerate(tokens) if token.type == "heading_open" and tokens[at + 1].content == title]
    if not starts:
        raise LookupError(title)
    level, first = tokens[starts[0]].tag, starts[0] + 3
    ends = [at for at in range(first, len(tokens)) if tokens[at].type == "heading_open" and tokens[at].tag <= level]
    return _html(tokens[first : ends[0] if ends else None], path, address)


def _tokens(text: str) -> list[Token]:
    """With an id for each heading, and the name of its file for each block of code that has one."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    seen: dict[str, int] = {}
    name = ""
    kept: list[Token] = []
    for at, token in enumerate(tokens):
        if token.type == "html_block" and (found := _NAME.fullmatch(token.content.strip())):
            name = found[1]
            continue
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[at + 1], seen))
        elif token.type == "fence":
            token.meta["name"], name = name, ""
        kept.append(token)
    return kept


def _anchor(inline: Token, seen: dict[str, int]) -> str:
    """As GitHub makes them, so that a link works here and there."""
    text = _plain(inline).lower()
    anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
    seen[anchor] = seen.get(anchor, -1) + 1
    return f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))


def _headings(tokens: Sequence[Token]) -> Iterator[Heading]:
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            yield Heading(int(token.tag[1]), str(token.attrGet("id")), _plain(tokens[at + 1]))


def _html(tokens: Sequence[Token], path: str, address: Address) -> SafeString:
    markdown = MarkdownIt("commonmark").enable("table")

    def link(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        href = str(tokens[at].attrGet("href") or "")
        tokens[at].attrSet("href", _resolved(href, path, address))
        return str(self.renderToken(tokens, at, options, env))

    def image(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """None: pictures of the guides are for readers of the files; what they show is on the site itself."""
        return ""

    def escaped(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return escape(tokens[at].content)

    def heading(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        anchor, tag = tokens[at].attrGet("id"), tokens[at].tag
        name = _plain(tokens[at + 1])
        own = (
            ""
            if tag == "h1"
            else format_html('<a class="heading-link" href="#{}" aria-label="Link to “{}”">#</a>', anchor, name)
        )
        return format_html('<{} id="{}">', tag, anchor) + own

    def table_open(self: Any, *_: Any) -> str:
        return '<div class="table" tabindex="0"><table>'

    def table_close(self: Any, *_: Any) -> str:
        return "</table></div>"

    rules = {
        "link_open": link,
        "image": image,
        "html_block": escaped,
        "html_inline": escaped,
        "heading_open": heading,
        "fence": _fence,
        "table_open": table_open,
        "table_close": table_close,
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return mark_safe(html)  # noqa: S308  (escaped by the renderer)


def _fence(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    name, language = token.meta.get("name", ""), token.info.strip().split(" ")[0]
    caption = format_html("<figcaption>{}</figcaption>", name) if name else ""
    return (
        format_html(
            '<figure class="code-block">{}<pre class="code" tabindex="0" role="group" aria-label="{}"><code>',
            caption,
            name or "Code",
        )
        + code(token.content, language)
        + "</code></pre></figure>\n"
    )


def code(text: str, language: str) -> SafeString:
    """Highlighted, if the language is known."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return escape(text)
    html: str = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return mark_safe(html)  # noqa: S308  (Pygments escapes)


def _resolved(href: str, path: str, address: Address) -> str:
    """A link to a file that is a page here leads to that page; to any other, to the top of where it is named."""
    if _OUTSIDE.match(href):
        return href
    target, _, anchor = href.partition("#")
    found = address(posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
    return (found or "") + (f"#{anchor}" if anchor else "") if found else f"#{target}"
