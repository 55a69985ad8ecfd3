"""What a visitor chooses, and when: beside a file that is under way, in its place, from a folder or the clipboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from e2e.lab.pages import Visit
from e2e.support import media, pictures
from e2e.support.console import Console
from e2e.support.drag import drop_files
from e2e.support.proxy import FaultProxy
from e2e.support.sending import sha256
from e2e.support.server import Server

pytest_plugins = ["e2e.lab.fixtures"]

SLOW = 100_000  # bytes per second: what is chosen now is chosen while the first file is under way
LONG = 90_000  # ms
MOVING = re.compile("^[1-9]")  # percent
PROGRAM: FilePayload = {"name": "program.png", "mimeType": "image/png", "buffer": b"MZ" + bytes(3000)}


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures.photo(tmp_path_factory.mktemp("large") / "large.jpg", (2200, 1900), at_least=1_500_000)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures.photo(tmp_path_factory.mktemp("small") / "small.jpg", (320, 240), seed=2)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short one with a box of nothing behind it, 3 MB in all."""
    path = media.video(tmp_path_factory.mktemp("films") / "film.mp4")
    nothing = 3_000_000
    path.write_bytes(path.read_bytes() + nothing.to_bytes(4, "big") + b"free" + bytes(nothing - 8))
    return path


def visit_site(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("html.live-connected")).to_be_attached()


def mine(page: Page, name: str) -> Locator:
    return page.get_by_label(f"Delete {name}", exact=True)


def saved_avatars(server: Server) -> list[str]:
    connection = server.db()
    try:
        return [row["sha256"] for row in connection.execute("SELECT sha256 FROM avatars_avatar").fetchall()]
    finally:
        connection.close()


# -- While a form waits


def test_a_photo_that_is_chosen_while_the_form_waits_goes_with_it(
    page: Page, proxy: FaultProxy, large: Path, small: Path
) -> None:
    visit_site(page, f"{proxy.url}/gallery/")
    page.get_by_label("Upload at once").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0)
    page.set_input_files("input[name=photos]", large)
    proxy.rate = SLOW
    page.get_by_role("button", name="Upload all").click()
    expect(page.get_by_role("progressbar").first).to_have_attribute("aria-valuenow", MOVING)

    page.set_input_files("input[name=photos]", small)
    expect(page.locator(".upload-row")).to_have_count(2)
    proxy.rate = None

    expect(mine(page, small.name)).to_be_visible(timeout=LONG)
    expect(mine(page, large.name)).to_be_visible()
    expect(page.locator(".upload-row")).to_have_count(0)
    expect(page.get_by_role("button", name="Upload all")).to_be_enabled()


def test_a_picture_that_is_chosen_while_another_is_being_saved_is_saved_in_its_place(
    page: Page, proxy: FaultProxy, server: Server, large: Path, small: Path
) -> None:
    visit_site(page, f"{proxy.url}/avatars/")
    page.set_input_files("input[name=avatar]", large)
    proxy.rate = SLOW
    page.get_by_role("button", name="Save avatar").click()
    expect(page.locator("progress[dj-upload-progress=avatar]")).not_to_have_js_property("value", 0)

    page.set_input_files("input[name=avatar]", small)
    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 320)
    proxy.rate = None

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    expect(page.locator("#avatar-zone")).to_contain_text(small.name)
    assert sha256(small) in saved_avatars(server)


# -- In the place of another


def test_a_refused_file_takes_nothing_from_the_one_that_is_under_way(
    page: Page, proxy: FaultProxy, film: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.png"
    program.write_bytes(PROGRAM["buffer"])
    visit_site(page, f"{proxy.url}/videos/")
    proxy.rate = SLOW
    page.set_input_files("input[name=video]", film)
    under_way = page.locator("#video-rows > div", has_text=film.name)
    expect(under_way.get_by_role("progressbar")).to_have_attribute("aria-valuenow", MOVING)

    drop_files(page, "#video-zone", [program])
    refused = page.locator("#video-rows > div", has_text=program.name)
    expect(refused).to_have_attribute("data-status", "error")
    expect(under_way).to_have_attribute("data-status", "uploading")
    proxy.rate = None

    expect(page.locator("li.video", has=mine(page, film.name)).locator("video")).to_be_visible(timeout=LONG)
    expect(refused).to_be_visible()


def test_a_form_is_sent_with_the_good_file_that_a_refused_one_did_not_replace(
    page: Page, server: Server, tmp_path: Path
) -> None:
    good = pictures.photo(tmp_path / "good.jpg", (300, 200), seed=7)
    visit_site(page, "/avatars/")
    page.set_input_files("input[name=avatar]", good)
    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 300)

    page.set_input_files("input[name=avatar]", [{"name": "a.exe", "mimeType": "", "buffer": b"MZ" + bytes(3000)}])
    expect(page.get_by_role("alert")).to_contain_text("a.exe")
    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 300)
    page.get_by_role("button", name="Save avatar").click()

    expect(page.locator("img.avatar")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert sha256(good) in saved_avatars(server)


# -- From the clipboard

PASTE = """async ([target, name]) => {
    const canvas = new OffscreenCanvas(40, 30);
    canvas.getContext("2d").fillRect(0, 0, 20, 20);
    const clipboard = new DataTransfer();
    clipboard.items.add(new File([await canvas.convertToBlob()], name, { type: "image/png" }));
    const paste = new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true });
    document.querySelector(target).dispatchEvent(paste);
    return paste.defaultPrevented;
}"""


def test_a_picture_is_pasted_wherever_the_focus_is(page: Page) -> None:
    visit_site(page, "/gallery/")

    assert page.evaluate(PASTE, ["body", "anywhere.png"])

    expect(mine(page, "anywhere.png")).to_be_visible(timeout=LONG)


def test_what_is_pasted_into_a_text_field_is_left_to_it(page: Page, small: Path) -> None:
    visit_site(page, "/gallery/")
    page.get_by_label("Upload at once").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0)
    page.set_input_files("input[name=photos]", small)
    expect(page.locator(".upload-row .caption-input")).to_be_visible()

    assert not page.evaluate(PASTE, [".upload-row .caption-input", "into a field.png"])
    assert page.evaluate(PASTE, ["#auto", "beside a field.png"])

    expect(page.locator(".upload-row")).to_have_count(2)
    expect(page.locator(".upload-row", has_text="into a field.png")).to_have_count(0)


# -- From a folder


@pytest.fixture
def folder(tmp_path: Path, small: Path) -> Path:
    """Two photos, and what systems leave in folders."""
    (tmp_path / "holiday" / "beach").mkdir(parents=True)
    for name in ("one of two.jpg", "beach/two of two.jpg"):
        (tmp_path / "holiday" / name).write_bytes(small.read_bytes())
    for name in (".DS_Store", "Thumbs.db", "beach/desktop.ini"):
        (tmp_path / "holiday" / name).write_bytes(b"for the system itself")
    return tmp_path / "holiday"


@pytest.mark.parametrize("how", ["dropped", "chosen"])
def test_what_systems_hide_in_a_folder_stays_there(page: Page, folder: Path, how: str) -> None:
    visit_site(page, "/gallery/")
    page.get_by_label("Upload at once").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0)

    if how == "dropped":
        drop_files(page, "#photos-zone", [folder])
    else:
        page.set_input_files("input[webkitdirectory]", folder)

    expect(page.locator(".upload-row")).to_have_count(2)
    expect(page.locator(".upload-row", has_text="two.jpg")).to_have_count(2)


@pytest.mark.parametrize("query", ["", "?store=database"])
def test_a_handler_is_told_where_in_its_folder_a_file_was(page: Page, visit: Visit, tmp_path: Path, query: str) -> None:
    (tmp_path / "papers" / "letters").mkdir(parents=True)
    (tmp_path / "papers" / "letters" / "a letter.txt").write_bytes(b"Dear Ada")
    visit(f"/lab/keeping/{query}")

    drop_files(page, "#zone", [tmp_path / "papers"])

    expect(page.locator("#arrived li")).to_have_attribute("data-path", "papers/letters/a letter.txt")


def test_an_upload_that_resumes_still_has_its_folder(
    page: Page, visit: Visit, lab_proxy: FaultProxy, console: Console, tmp_path: Path
) -> None:
    console.expect("WebSocket connection|Failed to load resource")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "book.txt").write_bytes(bytes(6_000_000))
    visit(f"{lab_proxy.url}/lab/keeping/?store=database")
    lab_proxy.cut_after = lab_proxy.bytes_up + 3_000_000

    drop_files(page, "#zone", [tmp_path / "papers"])

    expect(page.locator("#arrived li")).to_have_attribute("data-path", "papers/book.txt", timeout=LONG)
    assert lab_proxy.cuts == 1


def test_a_file_that_cannot_be_announced_says_so(page: Page, visit: Visit) -> None:
    visit("/lab/keeping/")

    page.evaluate(
        """() => {
          const input = document.querySelector("#zone input"), given = new DataTransfer();
          given.items.add(new File(["a"], "a.txt", { type: "text/" + "x".repeat(300) }));
          input.files = given.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
        }"""
    )

    expect(page.locator("#rows")).to_contain_text("The server didn't understand this page.")
