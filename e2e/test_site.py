"""Every page of the site, as a visitor finds it."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.support.console import Console
from e2e.support.server import Server

PAGES = ["/", "/avatars/", "/gallery/", "/videos/", "/other-ways/", "/docs/"]
PHONE = {"width": 320, "height": 640}  # the narrowest there is (WCAG 1.4.10)
FINGER = 44  # CSS pixels that a finger needs

NewContext = Callable[..., BrowserContext]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_whole_and_fits_a_phone(new_context: NewContext, path: str, scheme: str) -> None:
    page = new_context(viewport=PHONE, color_scheme=scheme).new_page()

    response = page.goto(path, wait_until="networkidle")

    assert response is not None and response.status == 200
    expect(page.locator("h1")).to_have_count(1)
    assert _width(page) <= PHONE["width"]
    assert _background_is_dark(page) == (scheme == "dark")


def test_the_menu_of_a_phone_is_one_line_for_fingers(new_context: NewContext) -> None:
    page = new_context(viewport=PHONE).new_page()
    page.goto("/")

    links = page.locator("nav[aria-label=Site] a:visible")
    boxes = [link.bounding_box() or {} for link in links.all()]

    assert links.all_inner_texts() == ["Avatar", "Gallery", "Videos", "Other ways", "Docs"]
    assert len({box["y"] for box in boxes}) == 1
    assert min(box["height"] for box in boxes) >= FINGER
    brand = page.get_by_role("link", name="Uplift")
    expect(brand).to_have_attribute("href", "/")  # in the place of "Home"
    assert (brand.bounding_box() or {})["height"] >= FINGER


@pytest.mark.parametrize("path", PAGES)
def test_what_one_touches_on_a_phone_is_large_enough(new_context: NewContext, path: str) -> None:
    page = new_context(viewport=PHONE, has_touch=True).new_page()
    page.goto(path, wait_until="networkidle")

    heights: dict[str, float] = page.evaluate(
        """() => Object.fromEntries(
            [...document.querySelectorAll("nav a, .button, .file-button, button, select, summary")]
                .map((element) => [element.textContent.trim(), element.getBoundingClientRect().height])
                .filter(([, height]) => height))"""
    )

    assert heights
    assert {text: height for text, height in heights.items() if height < FINGER} == {}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_works_from_hashed_static_files(page: Page, deployed: Server, path: str) -> None:
    asked: list[str] = []
    page.on("response", lambda response: asked.append(f"{response.status} {urlsplit(response.url).path}"))

    page.goto(deployed.url + path, wait_until="networkidle")

    expect(page.locator("h1")).to_have_count(1)
    assert any("/static/site." in line for line in asked)
    assert [line for line in asked if not line.startswith("200")] == []


@pytest.mark.parametrize("path", PAGES)
def test_the_navigation_marks_the_page_one_is_on(page: Page, path: str) -> None:
    page.goto(path)

    current = page.locator("nav[aria-label=Site] a[aria-current=page]")

    expect(current).to_have_count(1)
    expect(current).to_have_attribute("href", path)


def test_the_navigation_leads_to_every_page(page: Page) -> None:
    page.goto("/")

    links = page.locator("nav[aria-label=Site] a").evaluate_all("links => links.map(link => link.pathname)")

    assert links == PAGES


def test_the_keyboard_can_skip_the_navigation(page: Page) -> None:
    page.goto("/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_another_language_leads_to_the_same_place(page: Page) -> None:
    page.goto("/docs/languages/?from=here#what-you-write")

    page.get_by_role("button", name="Deutsch").click()

    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert page.url.endswith("/docs/languages/?from=here#what-you-write")


def test_what_is_too_large_is_refused_in_the_language_of_the_pages(deployed: Server) -> None:
    """By the server, which asks no page."""
    connection = HTTPConnection(str(urlsplit(deployed.url).netloc), timeout=30)
    connection.putrequest("POST", "/avatars/")
    headers = {"Accept": "text/html", "Accept-Language": "de-AT,de;q=0.9", "Content-Length": "60000000"}
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()

    assert (answer.status, "Zurück zur Seite" in answer.read().decode()) == (413, True)
    connection.close()


def test_an_unknown_address_leads_back_home(page: Page, deployed: Server, console: Console) -> None:
    console.expect("404")

    response = page.goto(f"{deployed.url}/no-such-page")

    assert response is not None and response.status == 404
    expect(page.locator("h1")).to_have_count(1)
    page.get_by_role("link", name="Go to the start page").click()
    expect(page).to_have_url(f"{deployed.url}/")


def test_healthz_answers(page: Page) -> None:
    response = page.request.get("/healthz")

    assert (response.status, response.text()) == (200, "ok\n")


def _width(page: Page) -> int:
    """What one would have to scroll through, in CSS pixels."""
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def _background_is_dark(page: Page) -> bool:
    lightness: float = page.evaluate(
        """() => {
            const canvas = document.createElement("canvas").getContext("2d");
            canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
            canvas.fillRect(0, 0, 1, 1);
            const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
            return (red + green + blue) / 3;
        }"""
    )
    return lightness < 128
