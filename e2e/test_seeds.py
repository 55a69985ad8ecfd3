"""The views and templates of the documents that this software is made after work unchanged, in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from e2e.lab.pages import Visit
from e2e.support import pictures
from e2e.support.drag import drop_files

pytest_plugins = ["e2e.lab.fixtures"]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [pictures.photo(tmp_path / f"photo {number}.jpg", (320, 240), seed=number) for number in range(2)]


def expect_to_be_drawn(image: Locator) -> None:
    expect(image).to_be_visible()
    expect(image).to_have_js_property("naturalWidth", 320)


def test_the_tutorials_avatar_is_chosen_saved_and_replaced(visit: Visit, photos: list[Path]) -> None:
    page = visit("/lab/seeds/avatar/")
    picked = page.locator("input[dj-upload=avatar]")
    expect(picked).to_have_attribute("accept", ".jpg,.jpeg,.png,.webp")

    picked.set_input_files(photos[0])
    expect(page.locator("[dj-upload-preview=avatar] img")).to_be_visible()
    page.get_by_role("button", name="Save avatar").click()

    expect_to_be_drawn(page.locator("img.avatar"))
    expect(page.locator("strong")).to_have_text(photos[0].name)
    page.get_by_role("button", name="Replace").click()
    expect(page.locator("[dj-upload-drop=avatar]")).to_contain_text("Drag your avatar here")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("large.png", b"\x89PNG\r\n\x1a\n" + bytes(5_000_000), "too large"),
        ("drawing.svg", b"<svg/>", "isn't accepted"),
        ("cute.png", b"MZ" + bytes(5000), "isn't the kind of file"),
    ],
)
def test_the_tutorials_page_says_why_a_file_is_refused(visit: Visit, name: str, data: bytes, reason: str) -> None:
    """It has no place for these errors: they are shown below its drop zone."""
    page = visit("/lab/seeds/avatar/")
    file: FilePayload = {"name": name, "mimeType": "image/png", "buffer": data}

    page.locator("input[dj-upload=avatar]").set_input_files([file])

    expect(page.get_by_role("alert")).to_contain_text(reason)
    page.get_by_role("button", name="Save avatar").click()
    expect(page.get_by_role("alert")).to_contain_text(reason)
    expect(page.get_by_role("button", name="Save avatar")).to_be_enabled()
    expect(page.locator("img.avatar")).to_have_count(0)


def test_the_quick_starts_profile_has_a_bar_per_file(visit: Visit, photos: list[Path]) -> None:
    page = visit("/lab/seeds/profile/")

    page.locator("input[dj-upload=avatar]").set_input_files(photos[0])

    bar = page.locator("[dj-upload-progress=avatar] .upload-progress-bar[role=progressbar]")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(bar).to_have_attribute("aria-label", photos[0].name)
    page.get_by_role("button", name="Save").click()
    expect(bar).to_have_count(0)


def test_the_samples_gallery_takes_several_photos(visit: Visit, photos: list[Path]) -> None:
    page = visit("/lab/seeds/gallery/")
    expect(page.locator("input[dj-upload=photos]")).to_have_attribute("multiple", "")

    drop_files(page, "[dj-upload-drop=photos]", photos)

    expect(page.locator(".preview-grid img")).to_have_count(2)
    bars = page.locator(".upload-progress-bar[role=progressbar]")
    expect(bars).to_have_count(2)
    for number in range(2):
        expect(page.locator(".upload-progress").nth(number)).to_have_attribute("data-status", "complete")
    page.get_by_role("button", name="Upload All").click()
    expect(page.locator(".gallery img")).to_have_count(2)
    for number in range(2):
        expect_to_be_drawn(page.locator(".gallery img").nth(number))
    expect(page.locator(".preview-grid img")).to_have_count(0)
    _still_works(page, photos[0])


def _still_works(page: Page, photo: Path) -> None:
    page.locator("input[dj-upload=photos]").set_input_files(photo)
    expect(page.locator(".upload-progress")).to_have_attribute("data-status", "complete")
    page.get_by_role("button", name="Upload All").click()
    expect(page.locator(".gallery img")).to_have_count(3)
