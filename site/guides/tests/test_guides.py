"""The project's Markdown, as pages: whole, with links that lead somewhere."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.conf import settings
from django.test import Client

from guides import pages, rendering
from guides.addresses import address

GUIDES = pages.present()
DOCS = {path.relative_to(settings.ROOT).as_posix() for path in (settings.ROOT / "docs").glob("*.md")}


def shown(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.text


def ids(html: str) -> list[str]:
    return re.findall(r'<[^>]*\sid="([^"]*)"', html)


def test_every_file_of_docs_is_a_page_and_the_index_lists_it(client: Client) -> None:
    assert {guide.path for guide in GUIDES.values()} >= DOCS
    index = shown(client, "/docs/")
    assert [slug for slug in GUIDES if f'href="/docs/{slug}/"' not in index] == []


@pytest.mark.parametrize("slug", GUIDES)
def test_a_guide_is_a_page_whose_links_lead_somewhere(client: Client, slug: str) -> None:
    html = shown(client, f"/docs/{slug}/")

    assert html.count("<h1") == 1
    assert len(ids(html)) == len(set(ids(html)))
    links = {unescape(link) for link in re.findall(r'<a [^>]*href="([^"]*)"', html)}
    for link in links:
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        there = shown(client, target) if target.startswith(("/docs/", "/code/")) else html
        assert not anchor or anchor in ids(there), link


def test_no_other_file_is_a_page(client: Client) -> None:
    for name in ("settings.py", "../README.md", "nothing", "README.md"):
        assert client.get(f"/docs/{name}/").status_code == 404


def test_code_is_as_it_is_in_the_file_and_named_after_it() -> None:
    html = rendering.page('<!-- file: a/b.py -->\n```python\nx = "<b>"\n```\n', "docs/a.md", address).html

    assert "<figcaption>a/b.py</figcaption>" in html
    block = re.search(r"<pre[^>]*><code>(.*?)</code></pre>", html, re.DOTALL)
    assert block and unescape(re.sub(r"<[^>]+>", "", block[1])) == 'x = "<b>"\n'


def test_html_in_markdown_is_text() -> None:
    html = rendering.page(
        "<script>alert(1)</script>\n\nand <b>this</b> [x](javascript:alert(1))\n", "a.md", address
    ).html

    assert "<script" not in html and "<b>" not in html and 'href="javascript' not in html


def test_a_section_ends_where_the_next_begins() -> None:
    text = "# A\n\n## One\n\nfirst\n\n### Deeper\n\nsecond\n\n## Two\n\nthird\n"

    html = rendering.section(text, "One", "a.md", address)

    assert "first" in html and "second" in html and "third" not in html and "One" not in html
    with pytest.raises(LookupError):
        rendering.section(text, "Three", "a.md", address)


ATTRIBUTE = re.compile(r"(?<![\w-])(?:dj|data)-[a-z]+(?:-[a-z]+)*")
COMMENT = re.compile(r"^\s*(?://|/?\*).*$|\s// .*$", re.MULTILINE)
EXAMPLES = {"data-photo-id", "data-points"}  # for a project's own handlers and elements


def test_every_attribute_that_is_documented_is_read() -> None:
    """It is named in a script, a stylesheet or Python; a script may name `data-done` as `done`."""
    folders = [settings.ROOT / "static", *(settings.ROOT / "apps").glob("*/static")]
    scripts = "\n".join(COMMENT.sub("", path.read_text()) for folder in folders for path in folder.rglob("*.js"))
    others = [path for folder in folders for path in folder.rglob("*.css")]
    others += [path for path in (settings.ROOT / "apps").rglob("*.py") if "tests" not in path.parts]
    read = set(ATTRIBUTE.findall("\n".join([scripts, *(path.read_text() for path in others)]))) | EXAMPLES
    words = set(re.findall(r"\w+", scripts))

    guides = {guide.path for guide in GUIDES.values()} - {"CHANGELOG.md"}
    named = {name for path in guides for name in ATTRIBUTE.findall((settings.ROOT / path).read_text())}

    def is_read(name: str) -> bool:
        kind, _, rest = name.partition("-")
        return name in read or (kind == "data" and re.sub("-(.)", lambda match: match[1].upper(), rest) in words)

    assert len(named) > 40
    assert {name for name in named if not is_read(name)} == set()
