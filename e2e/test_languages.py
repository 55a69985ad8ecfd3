"""No text of a page escapes translation, and a page that reads from the right is whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages import Catalog
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from catalogues.extracting import DOMAINS, PLACES
from catalogues.keeping import compiled
from e2e.support import pictures
from e2e.support.server import Server
from liveview.tests.processes import served

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.base("bracketed")

# What is the same in every language: names, units, types.
SAME = "Uplift SHA MB kB MiB GB ms min djust tus AVIF GIF HEIC JPEG PNG WebP webm mov mp jpg "
PLAIN: FilePayload = {"name": "1.dat", "mimeType": "application/octet-stream", "buffer": bytes(300_000)}
BAD: FilePayload = {"name": "2.jpg", "mimeType": "image/jpeg", "buffer": b"MZ" + bytes(5000)}

# Words that are seen or read out and in no brackets. English on purpose has lang="en"; names are a visitor's.
OUTSIDE = """(same) => {
  const skipped = "[lang=en], bdi, code, pre, script, style, noscript, template, .wire-log, .sha256, [translate=no]";
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const found = [];
  let depth = 0;
  const outside = (text) => {
    let rest = "";
    for (const char of text) {
      if (char === "⟧") depth--;
      if (depth === 0 && char !== "⟧" && char !== "⟦") rest += char;
      if (char === "⟦") depth++;
    }
    return rest;
  };
  const note = (text, where) => {
    const words = (outside(text).match(/\\p{L}{2,}/gu) ?? []).filter((word) => !same.includes(word));
    if (words.length) found.push(`${where}: ${text.trim()}`);
  };
  note(document.title, "title");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node instanceof Text) {
      const element = node.parentElement;
      if (!element.closest(skipped) && (shown(element) || element.closest("svg"))) note(node.data, element.tagName);
    } else if (!node.closest(skipped) && shown(node)) {
      for (const name of ["aria-label", "alt", "title", "placeholder", "dj-confirm", "data-forms"]) {
        const text = node.getAttribute(name);
        if (text && !/^\\d/.test(text) && !node.matches(".copy")) note(text, `${node.tagName} ${name}`);
      }
    }
  }
  return found;
}"""


def _prepare(server: Server) -> None:
    """Catalogues in which each text is itself, in brackets."""
    for language in ("eo", "ar"):
        for domain in DOMAINS:
            catalog = Catalog(language)
            for text in {text for place in PLACES for text in place.texts(domain)}:
                one, many = (text, text) if isinstance(text, str) else text
                forms = tuple(f"⟦{one if form == 0 else many}⟧" for form in range(catalog.num_plurals))
                catalog.add(text, forms[0] if isinstance(text, str) else forms)
            file = server.data_dir / "locale" / language / "LC_MESSAGES" / f"{domain}.mo"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(compiled(catalog))


class Bracketed(Server):
    def __init__(self, folder: Path) -> None:
        paths = {"PYTHONPATH": os.pathsep.join(["site", "apps", "."])}
        super().__init__(folder, extra={"DJANGO_SETTINGS_MODULE": "e2e.support.pseudo_settings", **paths})

    def prepare(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        _prepare(self)
        super().prepare()


bracketed = served(Bracketed, scope="module")


@pytest.fixture
def page(new_context: NewContext) -> Page:
    return new_context(locale="eo").new_page()


def visit(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.locator("html.live-connected")).to_be_attached()


def outside(page: Page) -> list[str]:
    return page.evaluate(OUTSIDE, SAME.split())


def test_pages_that_arent_live(page: Page) -> None:
    found = {}
    for path in ("/other-ways/", "/code/avatars/"):
        page.goto(path)
        found[path] = outside(page)
    assert found == dict.fromkeys(found, [])


def test_what_has_come_by_another_way(page: Page) -> None:
    page.goto("/other-ways/")
    page.set_input_files("#file", PLAIN)
    page.locator("[data-way=tus] [data-part=send]").click()
    expect(page.locator("#received tbody tr")).to_have_count(1)
    page.reload()  # the card says an identifier
    found = {"received": outside(page)}
    page.locator("#received tbody button").click()
    expect(page.locator("#undo")).to_be_visible()
    found["deleted"] = outside(page)
    assert found == dict.fromkeys(found, [])


def test_an_avatar(page: Page, tmp_path: Path) -> None:
    visit(page, "/avatars/")
    chosen, save = page.locator("input[name=avatar]"), page.locator("#avatar-save")
    found = {"empty": outside(page)}
    save.click()
    expect(page.locator("#error")).to_be_visible()
    chosen.set_input_files(BAD)
    save.click()
    expect(page.locator("[dj-upload-errors] [role=alert]").first).to_be_visible()
    expect(save).to_be_enabled()  # it waits for no other file any more
    found["refused"] = outside(page)
    chosen.set_input_files(pictures.photo(tmp_path / "3.jpg", (300, 200)))
    expect(page.locator(".preview img")).to_be_visible()
    page.locator("[data-crop=open]").click()
    expect(page.locator("#crop")).to_be_visible()
    found["being cropped"] = outside(page)
    page.keyboard.press("Escape")
    expect(page.locator("#crop")).to_be_hidden()
    save.click()
    expect(page.locator("img.avatar")).to_be_visible()
    found["saved"] = outside(page)
    page.locator("#avatar-remove").click()
    expect(page.locator("#undo")).to_be_visible()
    found["removed"] = outside(page)
    assert found == dict.fromkeys(found, [])


def test_the_gallery(page: Page, tmp_path: Path) -> None:
    visit(page, "/gallery/")
    chosen = page.locator("input[name=photos]")
    found = {"empty": outside(page)}
    chosen.set_input_files(pictures.photo(tmp_path / "3.jpg", (300, 200)))
    expect(page.locator("#photos > li")).to_have_count(1)
    chosen.set_input_files([BAD, {**BAD, "name": "4.jpg"}])
    expect(page.locator("#refused [data-status=error]")).to_have_count(2)
    page.locator(".photo-select input").check()
    expect(page.locator("#selection")).to_be_visible()
    found["one selected, two refused"] = outside(page)
    page.locator("[dj-click=delete_selected]").click()
    expect(page.locator("#undo")).to_be_visible()
    found["deleted"] = outside(page)
    assert found == dict.fromkeys(found, [])


def test_videos_and_the_wire(page: Page) -> None:
    visit(page, "/videos/")
    page.locator("input[name=video]").set_input_files({**BAD, "name": "5.mp4"})
    expect(page.locator("#video-rows [data-status=error]")).to_be_visible()
    page.locator("#wire-button").click()
    expect(page.locator("[data-chaos=cut]")).to_be_visible()
    assert outside(page) == []


def test_the_start_page(page: Page) -> None:
    visit(page, "/")
    page.locator("[data-try=slow]").uncheck()
    page.locator("#try input[type=file]").set_input_files(PLAIN)
    expect(page.locator("#verdict[data-verdict=equal]")).to_be_visible()
    assert outside(page) == []


def test_a_choice_leads_back_to_where_its_visitor_is_by_now(page: Page) -> None:
    visit(page, "/gallery/")
    page.evaluate("history.replaceState(history.state, '', '?photo=7')")  # as the lightbox does

    page.locator("[name=language][value=ar]").click()

    expect(page.locator("html[dir=rtl].live-connected")).to_be_attached()
    assert page.url.endswith("/gallery/?photo=7")


def test_a_page_may_read_from_the_right(new_context: NewContext) -> None:
    page = new_context(locale="ar").new_page()
    visit(page, "/")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.locator("#try input[type=file]").set_input_files({**PLAIN, "buffer": bytes(3_000_000)})

    page.wait_for_function(
        """() => {
          const [bar, fill] = ["bar", "fill"].map((name) => document.querySelector(`#try .upload-progress-${name}`));
          if (!fill) return false;
          const [around, inner] = [bar.getBoundingClientRect(), fill.getBoundingClientRect()];
          return inner.width > 0 && inner.width < around.width && Math.abs(inner.right - around.right) < 1;
        }"""
    )
    assert page.locator("#try [data-upload=size]").inner_text() == "\u20663\u00a0MB\u2069"
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) == 0
    page.set_viewport_size({"width": 1280, "height": 800})
    words, card = page.locator(".hero-words").bounding_box(), page.locator("#try").bounding_box()
    assert words is not None and card is not None and words["x"] > card["x"]
