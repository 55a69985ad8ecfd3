"""What a page makes of uploads that have ended: what passes is tried again, the rest is said once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from e2e.support import pictures
from e2e.support.server import Server
from liveview.tests.processes import until

INPUT = "input[name=photos]"
LONG = 90_000  # ms

BAD: list[FilePayload] = [
    {"name": "program.png", "mimeType": "image/png", "buffer": b"MZ" + bytes(3000)},
    {"name": "nothing.png", "mimeType": "image/png", "buffer": b""},
]


@pytest.fixture
def photo(tmp_path: Path) -> FilePayload:
    path = pictures.photo(tmp_path / "photo.jpg", (320, 240))
    return {"name": f"{tmp_path.name}.jpg", "mimeType": "image/jpeg", "buffer": path.read_bytes()}


def visit(page: Page) -> None:
    page.goto("/gallery/")
    expect(page.locator("html.live-connected")).to_be_attached()


def mine(page: Page, name: str) -> Locator:
    return page.get_by_label(f"Delete {name}", exact=True)


def refused(page: Page, name: str) -> Locator:
    """Where those that failed are gathered."""
    return page.locator("#refused").get_by_role("listitem", name=name, exact=True)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True)


# -- Trying again


@pytest.fixture
def mend(server: Server) -> Iterator[Callable[[], None]]:
    with server.unwritable() as mend:
        yield mend


def test_what_a_full_disk_refused_is_sent_by_itself_when_there_is_room(
    page: Page, mend: Callable[[], None], photo: FilePayload
) -> None:
    visit(page)
    page.set_input_files(INPUT, [photo])
    expect(row(page, photo["name"])).to_contain_text("no room")
    expect(row(page, photo["name"])).to_contain_text("Trying again automatically")
    expect(row(page, photo["name"]).get_by_role("button", name="Try again")).to_be_hidden()

    mend()

    expect(mine(page, photo["name"])).to_be_visible(timeout=LONG)
    expect(page.locator(".upload-row")).to_have_count(0)


def test_a_form_waits_for_what_is_tried_again(page: Page, mend: Callable[[], None], photo: FilePayload) -> None:
    visit(page)
    page.get_by_label("Start uploads automatically").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0)
    page.set_input_files(INPUT, [photo])
    expect(row(page, photo["name"])).to_contain_text("Waiting")
    page.get_by_role("button", name="Upload all").click()
    expect(row(page, photo["name"])).to_contain_text("Trying again automatically")
    expect(page.get_by_role("button", name="Uploading…")).to_be_disabled()

    mend()

    expect(mine(page, photo["name"])).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Upload all")).to_be_enabled()


def test_there_is_an_end_to_trying_again(page: Page, mend: Callable[[], None], photo: FilePayload) -> None:
    """In a page whose first pause is short."""
    page.route("**/uploads/retry.js", hurried)
    visit(page)

    page.set_input_files(INPUT, [photo])

    told = refused(page, photo["name"])
    expect(told).to_have_attribute("data-status", "error", timeout=LONG)
    expect(told).not_to_contain_text("by itself")
    expect(told.get_by_role("button", name="Try again")).to_be_visible()
    mend()
    told.get_by_role("button", name="Try again").click()
    expect(mine(page, photo["name"])).to_be_visible(timeout=LONG)


def hurried(route: Route) -> None:
    code = route.fetch().text()
    assert "FIRST_PAUSE = 1_000;" in code
    route.fulfill(body=code.replace("FIRST_PAUSE = 1_000;", "FIRST_PAUSE = 1;"), content_type="text/javascript")


def test_what_can_not_help_is_not_offered(page: Page) -> None:
    visit(page)

    page.set_input_files(INPUT, BAD)

    for payload in BAD:
        told = refused(page, payload["name"])
        expect(told).to_have_attribute("data-status", "error")
        expect(told.get_by_role("button", name="Dismiss")).to_be_visible()
        expect(told.get_by_role("button", name="Try again")).to_be_hidden()


# -- Saying it

LISTEN = """() => {
    window.said = [];
    const hear = ({ target }) => {
        const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
        const region = element?.closest("[role=status], [role=alert], [aria-live]");
        if (region?.textContent && region.checkVisibility()) said.push(region.textContent);
    };
    const watched = { subtree: true, childList: true, characterData: true };
    new MutationObserver((changes) => changes.forEach(hear)).observe(document.body, watched);
}"""


def test_an_ending_is_said_once_and_no_row_is_a_live_region(page: Page, photo: FilePayload) -> None:
    visit(page)
    page.evaluate(LISTEN)

    page.set_input_files(INPUT, [photo, *BAD])

    expected = ["1 uploaded, 2 refused.", "program.png: It is named", "nothing.png: This file is empty."]
    until(lambda: all(any(line in said for said in page.evaluate("said")) for line in expected), within=LONG / 1000)
    said = page.evaluate("said")
    assert [sum(line in each for each in said) for line in expected] == [1, 1, 1]
    assert len(said) <= len(expected) + 2  # how far it is, if that took its time
    assert page.locator(".upload-row :is([aria-live], [role=status], [role=alert])").count() == 0
