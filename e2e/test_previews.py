"""Previews of files that were only chosen: of which there are any, and what becomes of their addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from e2e.support import pictures
from uploads.tests.content.image.samples import blue_corner, heif

SCRIPT = b"<script>parent.ran = true</script>"
ACTIVE = [
    FilePayload(
        name="active.svg",
        mimeType="image/svg+xml",
        buffer=b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">' + SCRIPT + b"</svg>",
    ),
    FilePayload(name="active.html", mimeType="text/html", buffer=b"<!doctype html>" + SCRIPT),
]
WATCH = """
    window.shown = []; // the types of what has been given an address
    window.held = new Set(); // addresses that haven't been given back
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (file) => {
        const url = createObjectURL.call(URL, file);
        shown.push(file.type);
        held.add(url);
        return url;
    };
    URL.revokeObjectURL = (url) => {
        held.delete(url);
        revokeObjectURL.call(URL, url);
    };
"""

COUNT = """
    window.most = 0; // addresses given in one frame
    let count = 0;
    const give = URL.createObjectURL;
    URL.createObjectURL = (file) => {
        if (!count++) requestAnimationFrame(() => (count = 0));
        most = Math.max(most, count);
        return give.call(URL, file);
    };
"""


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [pictures.photo(tmp_path / f"photo {n}.jpg", (64, 48), seed=n) for n in range(3)]


def visit(page: Page, url: str) -> None:
    page.add_init_script(WATCH)
    page.goto(url)
    expect(page.locator("html.live-connected")).to_be_attached()


def wait_for_held(page: Page, count: int) -> None:
    page.wait_for_function("count => held.size === count", arg=count)


def test_the_address_of_a_preview_is_given_back_when_its_file_goes(page: Page, photos: list[Path]) -> None:
    visit(page, "/gallery/")
    page.get_by_label("Start uploads automatically").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0)
    page.set_input_files("input[name=photos]", photos)
    expect(page.locator(".upload-thumb img")).to_have_count(3)
    wait_for_held(page, 3)

    for number in range(3):
        page.locator(".upload-row", has_text=f"photo {number}").get_by_role("button", name="Remove").click()
        wait_for_held(page, 2 - number)

    assert page.evaluate("shown") == 3 * ["image/jpeg"]


def test_many_previews_come_a_few_at_a_time(page: Page, photos: list[Path]) -> None:
    """Each asks another process: three hundred at once kept the page from answering for a third of a second."""
    page.add_init_script(COUNT)
    visit(page, "/gallery/")
    page.get_by_label("Start uploads automatically").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0)
    bytes_ = photos[0].read_bytes()

    page.set_input_files(
        "input[name=photos]", [FilePayload(name=f"{n}.jpg", mimeType="image/jpeg", buffer=bytes_) for n in range(80)]
    )

    wait_for_held(page, 80)
    assert page.locator(".upload-thumb img[src^='blob:']").count() == 80
    assert page.evaluate("most") <= 24


def test_a_file_that_is_replaced_gives_its_address_back(page: Page, photos: list[Path]) -> None:
    visit(page, "/avatars/")
    for number, photo in enumerate(photos, 1):
        page.set_input_files("input[dj-upload=avatar]", photo)
        page.wait_for_function("number => shown.length === number", arg=number)
        expect(page.locator(".preview img")).to_have_count(1)
        wait_for_held(page, 1)

    page.get_by_role("button", name="Save avatar").click()
    expect(page.locator("img.avatar")).to_be_visible()
    wait_for_held(page, 0)


@pytest.mark.parametrize(
    ("url", "selector"), [("/avatars/", "[dj-upload=avatar]"), ("/gallery/", "input[name=photos]")]
)
@pytest.mark.parametrize("file", ACTIVE, ids=lambda file: file["name"])
def test_what_could_hold_a_script_is_never_shown(page: Page, url: str, selector: str, file: FilePayload) -> None:
    visit(page, url)

    page.set_input_files(selector, file)

    expect(page.get_by_text("This kind of file isn't accepted here").locator("visible=true").first).to_be_visible()
    assert page.evaluate("shown") == []


def test_a_photo_that_the_browser_cannot_show_is_shown_once_it_is_published(page: Page) -> None:
    """HEIC, as it comes off an iPhone. No browser but Safari has a decoder for it."""
    photo = FilePayload(name="IMG_0001.HEIC", mimeType="image/heic", buffer=heif(blue_corner((640, 480))))
    is_drawn = "img => img.complete && img.naturalWidth === 640 && img.naturalHeight === 480"

    page.goto("/gallery/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_label("Start uploads automatically").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0)
    page.set_input_files("input[name=photos]", photo)
    expect(page.locator(".upload-row").get_by_text("No preview in this browser")).to_be_visible()
    expect(page.locator(".upload-thumb img")).to_have_count(0)
    page.get_by_role("button", name="Upload all").click()
    published = page.get_by_role("img", name="IMG_0001.HEIC").first
    expect(published).to_be_visible()
    full = page.locator(".photo-open").first.get_attribute("href")
    assert full and full.endswith(".webp")
    page.wait_for_function("img => img.complete && img.naturalWidth > 0", arg=published.element_handle())

    page.goto("/avatars/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.set_input_files("input[dj-upload=avatar]", photo)
    page.get_by_role("button", name="Save avatar").click()
    expect(page.locator("img.avatar")).to_be_visible()
    page.wait_for_function(is_drawn, arg=page.locator("img.avatar").element_handle())


def test_a_picture_that_this_browser_can_not_show_has_its_name_there(page: Page) -> None:
    visit(page, "/avatars/")
    unknown = FilePayload(name="new.webp", mimeType="image/webp", buffer=b"RIFF" + bytes(4) + b"WEBP of the future")

    page.set_input_files("input[dj-upload=avatar]", [unknown])

    expect(page.locator(".preview")).to_have_text("new.webp: no preview in this browser")
    expect(page.locator(".preview img")).to_have_count(0)
