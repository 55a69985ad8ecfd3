"""The gallery's lightbox, and its photos under a finger."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Locator, Page, expect

from e2e.support import pictures
from e2e.support.server import Server
from liveview.tests.processes import until

NewContext = Callable[..., BrowserContext]
NAMES = ["first.jpg", "second.jpg", "third.jpg"]  # as they stand in the album


@pytest.fixture
def page(new_context: NewContext, server: Server, tmp_path: Path) -> Page:
    """A phone, on which the first three photos of the album are known."""
    page = new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto(f"{server.url}/gallery/")
    expect(page.locator("html.live-connected")).to_be_attached()
    files = [pictures.photo(tmp_path / name, (1200, 900 + n), seed=n) for n, name in enumerate(reversed(NAMES))]
    page.set_input_files("input[name=photos]", files)
    for name in NAMES:
        expect(page.get_by_label(f"Delete {name}", exact=True).first).to_be_visible(timeout=90_000)
    expect(page.locator(".upload-row")).to_have_count(0)
    expect(page.locator(".dock .upload-summary")).to_have_count(0)
    return page


def touch(cdp: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def swipe(cdp: CDPSession, start: tuple[float, float], end: tuple[float, float]) -> None:
    touch(cdp, "touchStart", start)
    for step in range(1, 5):
        touch(cdp, "touchMove", tuple(a + (b - a) * step / 4 for a, b in zip(start, end, strict=True)))  # type: ignore[arg-type]
    touch(cdp, "touchEnd")


def _open(page: Page, number: int) -> Locator:
    page.locator("a.photo-open").nth(number).click()
    box = page.locator("dialog.lightbox")
    expect(box).to_be_visible()
    return box


def test_a_photo_is_there_at_once_as_large_as_it_will_be_and_has_an_address(page: Page) -> None:
    held = []
    first = page.locator("a.photo-open").first.get_attribute("href")
    page.route(f"**{first}", lambda route: held.append(route))

    box = _open(page, 0)
    shown = box.locator("img")

    expect(shown).to_have_attribute("src", re.compile(r"-[tm]\.webp$"))
    until(lambda: shown.evaluate("(image) => image.complete && image.naturalWidth > 0"))
    size = shown.bounding_box()
    for route in held:
        route.continue_()
    page.unroute_all()
    expect(shown).to_have_attribute("src", re.compile(re.escape(first or "") + "$"))
    assert shown.bounding_box() == size
    expect(box.locator(".lightbox-count")).to_contain_text("1 / ")
    expect(box.get_by_label("Download")).to_have_attribute("download", "first.jpg")

    box.get_by_label("Next photo").click()
    expect(box.locator("figcaption")).to_have_text("second.jpg")
    address = page.url
    assert "?photo=" in address
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("photo="))
    page.goto(address)
    expect(page.locator("dialog.lightbox figcaption")).to_have_text("second.jpg")
    page.keyboard.press("Escape")
    expect(page.locator("html.live-connected")).to_be_attached()


def test_fingers_swipe_and_zoom(page: Page) -> None:
    box = _open(page, 0)
    cdp = page.context.new_cdp_session(page)

    swipe(cdp, (300, 400), (80, 410))
    expect(box.locator("figcaption")).to_have_text("second.jpg")
    swipe(cdp, (80, 400), (300, 410))
    expect(box.locator("figcaption")).to_have_text("first.jpg")

    touch(cdp, "touchStart", (170, 400), (220, 400))
    touch(cdp, "touchMove", (120, 400), (270, 400))
    touch(cdp, "touchMove", (95, 400), (295, 400))
    touch(cdp, "touchEnd")
    scale = "image => image.getBoundingClientRect().width / image.clientWidth"
    assert box.locator("img").evaluate(scale) == pytest.approx(4, rel=0.1)
    swipe(cdp, (300, 400), (80, 410))  # moves it about
    expect(box.locator("figcaption")).to_have_text("first.jpg")

    box.get_by_label("Close").click()
    box = _open(page, 0)
    swipe(cdp, (200, 200), (205, 500))
    expect(box).to_be_hidden()


def test_a_finger_puts_a_photo_elsewhere_and_sees_where(page: Page) -> None:
    photos = page.locator("li.photo")
    page.evaluate(
        "document.documentElement.style.scrollBehavior = 'auto'; document.getElementById('album').scrollIntoView()"
    )
    start, end = (photos.nth(n).locator("img").bounding_box() for n in (0, 1))
    assert start is not None and end is not None
    cdp = page.context.new_cdp_session(page)

    touch(cdp, "touchStart", (start["x"] + 60, start["y"] + 60))
    expect(page.locator("li.is-moving")).to_have_count(1)
    for step in range(1, 5):
        along = (end["x"] + end["width"] - 15 - start["x"] - 60) * step / 4
        touch(cdp, "touchMove", (start["x"] + 60 + along, start["y"] + 62))
    expect(photos.nth(1)).to_have_attribute("data-drop", "after")
    touch(cdp, "touchEnd")

    expect(page.locator(".photo img").first).to_have_attribute("alt", "second.jpg")
    expect(page.locator(".photo img").nth(1)).to_have_attribute("alt", "first.jpg")
    expect(page.locator("dialog.lightbox")).to_be_hidden()
