"""The three demos with scripts switched off: each says what it takes, takes it, and says why it doesn't."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from e2e.support import pictures
from e2e.support.console import Console
from e2e.support.server import Server
from liveview.tests.processes import served

NewContext = Callable[..., BrowserContext]

LONG = 90_000  # ms: a slow machine takes its time
PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0"


@pytest.fixture
def page(new_context: NewContext) -> Page:
    return new_context(java_script_enabled=False).new_page()


strict = served(Server, extra={"VIDEOS_MAX_FILE_SIZE": "1000000"})  # a site that takes small videos only


def large(name: str, size: int) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": PNG_HEAD + bytes(size - len(PNG_HEAD))}


@pytest.mark.parametrize(
    ("path", "limit"), [("/avatars/", "5 MB max"), ("/gallery/", "10 MB each"), ("/videos/", "up to 500 MB")]
)
def test_the_page_says_how_large_a_file_may_be(page: Page, path: str, limit: str) -> None:
    page.goto(path)

    expect(page.locator(".drop-zone .hint")).to_contain_text(limit)
    expect(page.locator(".drop-zone input[type=file]").first).to_be_visible()


def test_the_gallery_says_how_many_one_form_may_bring(page: Page) -> None:
    page.goto("/gallery/")

    expect(page.get_by_text("20 without JavaScript")).to_be_visible()


def test_photos_are_saved(page: Page, server: Server, tmp_path: Path) -> None:
    photos = [pictures.photo(tmp_path / f"form {n}.jpg", (320, 240 + n), seed=n) for n in range(3)]
    page.goto("/gallery/")

    page.set_input_files("input[name=photos]", photos)
    page.get_by_role("button", name="Upload all").click()

    for photo in photos:
        expect(page.get_by_label(f"Delete {photo.name}", exact=True)).to_be_attached(timeout=LONG)
    connection = server.db()
    try:
        rows = connection.execute("SELECT sha256 FROM gallery_photo WHERE name LIKE 'form %' ORDER BY name").fetchall()
    finally:
        connection.close()
    assert [row["sha256"] for row in rows] == [hashlib.sha256(photo.read_bytes()).hexdigest() for photo in photos]


def test_more_photos_than_a_form_may_bring_are_refused_with_the_number(
    page: Page, deployed: Server, console: Console, tmp_path: Path
) -> None:
    console.expect("400")
    photos = [pictures.photo(tmp_path / f"many {n}.jpg", (32, 24), seed=n) for n in range(21)]
    page.goto(f"{deployed.url}/gallery/")

    page.set_input_files("input[name=photos]", photos)
    page.get_by_role("button", name="Upload all").click()

    expect(page.get_by_text("at most 20 go in one form")).to_be_visible(timeout=LONG)
    page.goto(f"{deployed.url}/gallery/")
    expect(page.get_by_label("Delete many ")).to_have_count(0)
    page.set_input_files("input[name=photos]", photos[:20])
    page.get_by_role("button", name="Upload all").click(timeout=LONG)  # it returns when all are decoded and saved
    expect(page.get_by_label("Delete many ")).to_have_count(20, timeout=LONG)


@pytest.mark.parametrize(
    ("path", "field", "button", "size", "reason"),
    [
        ("/avatars/", "avatar", "Save avatar", 6_000_000, "at most 5 MB"),
        ("/avatars/", "avatar", "Save avatar", 20_000_000, "at most 5 MB"),  # more than other pages take at all
        ("/gallery/", "photos", "Upload all", 11_000_000, "at most 10 MB"),
    ],
)
def test_a_picture_that_is_too_large_is_refused_on_the_page(
    page: Page, path: str, field: str, button: str, size: int, reason: str
) -> None:
    page.goto(path)

    page.set_input_files(f"input[name={field}]", large("large.png", size))
    page.get_by_role("button", name=button).click()

    expect(page.get_by_role("alert")).to_contain_text(reason, timeout=LONG)
    expect(page.get_by_role("alert")).to_contain_text("large.png")
    expect(page.locator(f"input[name={field}]")).to_be_visible()


def test_a_video_that_is_too_large_is_refused_on_the_page(page: Page, strict: Server) -> None:
    page.goto(f"{strict.url}/videos/")

    page.set_input_files("input[name=video]", large("large.mp4", 1_500_000))
    page.get_by_role("button", name="Send the video").click()

    expect(page.get_by_role("alert")).to_contain_text("at most 1 MB", timeout=LONG)


def test_a_bad_photo_is_refused_with_its_reason(page: Page) -> None:
    page.goto("/gallery/")

    page.set_input_files(
        "input[name=photos]", {"name": "cute.png", "mimeType": "image/png", "buffer": b"MZ" + bytes(9000)}
    )
    page.get_by_role("button", name="Upload all").click()

    expect(page.get_by_role("alert")).to_contain_text("isn't the kind of file")
