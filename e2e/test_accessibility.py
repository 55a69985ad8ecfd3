"""Axe finds nothing wrong by WCAG 2.2 AA, in both themes, on a desk's screen and a phone's.

The states of an upload are found by attributes, not by words, which may change.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from e2e.support import pictures
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy, link_to

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.base("deployed")

LOOKS = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
PAGES = ["/docs/", "/docs/package/", "/other-ways/", "/code/avatars/", "/admin/login/", "/no-such-page"]
LIVE_PAGES = ["/", "/avatars/", "/gallery/", "/videos/"]
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
BY_LOOK = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]  # rules
LONG = 90_000  # ms: a slow machine takes its time
SLOW = 60_000  # bytes a second: what is being sent still is when it has been looked at
BAD: FilePayload = {"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"MZ" + bytes(5000)}

FOUND = """async (wanted) => {
  const moving = document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(moving.map((each) => each.finished));
  const { violations } = await axe.run({ runOnly: wanted, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target} ${node.failureSummary.replaceAll(/\\s+/g, " ")}`));
}"""


link = link_to("deployed", expected="WebSocket|Failed to load resource|ERR_")


@pytest.fixture
def page(new_context: NewContext) -> Page:
    return new_context(reduced_motion="reduce").new_page()


def expect_accessible(page: Page, state: str) -> None:
    assert problems(page, state) == {}


def problems(page: Page, state: str) -> dict[str, list[str]]:
    """What axe finds now, by each look that it has: only what a look can change is asked again for the next."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = {}
    for number, (scheme, width) in enumerate(LOOKS):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        found[f"{state}, {scheme}, {width} px"] = page.evaluate(FOUND, BY_LOOK if number else LEVELS)
    return {look: problems for look, problems in found.items() if problems}


def visit(page: Page, path: str, url: str = "") -> None:
    page.goto(f"{url}{path}")
    expect(page.locator("html.live-connected")).to_be_attached()


def test_pages_as_they_are_found(page: Page, console: Console) -> None:
    console.expect("404")
    found: dict[str, list[str]] = {}
    for path in [*LIVE_PAGES, *PAGES]:
        page.goto(path)
        if path in LIVE_PAGES:
            expect(page.locator("html.live-connected")).to_be_attached()
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        found |= problems(page, path)
    assert found == {}


def test_an_avatar(page: Page, link: FaultProxy, tmp_path: Path) -> None:
    large = pictures.photo(tmp_path / "large.jpg", (2000, 1900), at_least=1_500_000)
    visit(page, "/avatars/", link.url)
    chosen, save = page.locator("input[name=avatar]"), page.locator("#avatar-save")

    save.click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect_accessible(page, "nothing chosen")

    chosen.set_input_files(BAD)
    save.click()
    expect(page.locator("[dj-upload-errors] [role=alert]").first).to_contain_text("bad.jpg")
    expect_accessible(page, "refused")

    visit(page, "/avatars/", link.url)
    chosen.set_input_files(large)
    expect(page.locator(".preview img")).to_be_visible()
    expect_accessible(page, "chosen")

    page.locator("[data-crop=open]").click()
    expect(page.locator("dialog.crop")).to_be_visible()
    expect_accessible(page, "being cropped")
    page.keyboard.press("Escape")

    link.rate = SLOW
    save.click()
    expect(page.locator("progress[dj-upload-progress]")).not_to_have_js_property("value", 0)
    expect_accessible(page, "uploading")
    link.rate = None

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    expect_accessible(page, "saved")

    chosen.set_input_files(large)
    expect(page.locator(".preview img")).to_be_visible()
    expect_accessible(page, "being replaced")
