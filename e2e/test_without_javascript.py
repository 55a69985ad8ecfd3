"""The three demos with scripts switched off, or with a client that can't start: each says what it takes, takes it, and
says why it doesn't."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, Route, expect

from e2e.support import media, pictures
from e2e.support.console import Console
from e2e.support.server import Server
from liveview.tests.processes import served, until

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

    expect(page.locator(".drop-zone .hint").first).to_contain_text(limit)
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
    console.expect("favicon")  # which a browser asks for beside a page that names none
    photos = [pictures.photo(tmp_path / f"many {n}.jpg", (32, 24), seed=n) for n in range(21)]
    page.goto(f"{deployed.url}/gallery/")

    page.set_input_files("input[name=photos]", photos)
    page.get_by_role("button", name="Upload all").click()

    expect(page.get_by_text("a form takes at most 20")).to_be_visible(timeout=LONG)
    page.goto(f"{deployed.url}/gallery/")
    expect(page.get_by_label("Delete many ")).to_have_count(0)
    page.set_input_files("input[name=photos]", photos[:20])
    page.get_by_role("button", name="Upload all").click(timeout=LONG)  # it returns when all are decoded and saved
    expect(page.get_by_label("Delete many ")).to_have_count(20, timeout=LONG)


@pytest.mark.parametrize(
    ("path", "field", "button", "size", "reason"),
    [
        ("/avatars/", "avatar", "Save avatar", 6_000_000, "The limit is 5 MB"),
        ("/avatars/", "avatar", "Save avatar", 20_000_000, "The limit is 5 MB"),  # more than other pages take at all
        ("/gallery/", "photos", "Upload all", 11_000_000, "The limit is 10 MB"),
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
    page.get_by_role("button", name="Send the videos").click()

    expect(page.get_by_role("alert")).to_contain_text("The limit is 1 MB", timeout=LONG)


def test_a_bad_photo_is_refused_with_its_reason(page: Page) -> None:
    page.goto("/gallery/")

    page.set_input_files(
        "input[name=photos]", {"name": "cute.png", "mimeType": "image/png", "buffer": b"MZ" + bytes(9000)}
    )
    page.get_by_role("button", name="Upload all").click()

    expect(page.get_by_role("alert")).to_contain_text("but it isn't a")


@pytest.mark.parametrize(
    ("path", "button", "said"),
    [
        ("/avatars/", "Save avatar", "No file selected."),
        ("/gallery/", "Upload all", "Choose at least one photo."),
        ("/videos/", "Send the videos", "No file selected."),
    ],
)
def test_a_form_without_a_file_says_so(page: Page, path: str, button: str, said: str) -> None:
    page.goto(path)

    page.get_by_role("button", name=button).click()

    expect(page.get_by_role("alert")).to_have_text([said])
    expect(page.locator("input[type=file]").first).to_be_visible()
    assert dead_controls(page) == []


def test_one_bad_photo_is_named_and_the_others_are_stored_once(page: Page, console: Console, tmp_path: Path) -> None:
    console.expect("inline style")  # of the browser's own viewer of pictures
    good = [pictures.photo(tmp_path / f"good {n}.jpg", (64, 48), seed=n) for n in range(2)]
    bad = tmp_path / "bad.jpg"
    bad.write_text("no photo")
    page.goto("/gallery/")

    page.set_input_files("input[name=photos]", [good[0], bad, good[1]])
    page.get_by_role("button", name="Upload all").click()

    expect(page.get_by_role("alert")).to_have_text(
        ["bad.jpg: It is named .jpg, but it isn't a JPEG image."], timeout=LONG
    )
    expect(page.get_by_text("2 photos added")).to_be_visible()
    page.reload()
    expect(page.get_by_role("alert")).to_have_count(0)
    for photo in good:
        expect(page.get_by_alt_text(photo.name, exact=True)).to_have_count(1)
    assert dead_controls(page) == []
    page.get_by_alt_text(good[0].name, exact=True).click()
    expect(page).to_have_url(re.compile(r"/media/gallery/.*"))
    page.go_back()
    expect(page.get_by_role("button", name="Upload all")).to_be_visible()


def test_an_avatar_is_saved_replaced_and_removed(page: Page, tmp_path: Path) -> None:
    first, second = (pictures.photo(tmp_path / f"{n}.jpg", (64, 48), seed=n) for n in (1, 2))
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    page.goto("/avatars/")
    page.set_input_files("input[name=avatar]", first)
    page.get_by_role("button", name="Save avatar").click()

    expect(page.get_by_text("Your avatar is saved.")).to_be_visible(timeout=LONG)
    page.reload()
    expect(page.get_by_text("Your avatar is saved.")).to_have_count(0)
    assert dead_controls(page) == []

    page.set_input_files("input[name=avatar]", bad)
    page.get_by_role("button", name="Save avatar").click()
    expect(page.get_by_role("alert")).to_have_text(
        ["bad.jpg: It is named .jpg, but it isn't a JPEG image."], use_inner_text=True
    )
    page.set_input_files("input[name=avatar]", second)  # the form is still there
    page.get_by_role("button", name="Save avatar").click()
    expect(page.get_by_text("2.jpg")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Avatar removed")).to_be_visible()
    expect(page.locator("img.avatar")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("img.avatar")).to_be_visible()


def test_a_video_has_its_title_and_nothing_dead(page: Page, tmp_path: Path) -> None:
    page.goto("/videos/")
    page.set_input_files("input[name=video]", media.video(tmp_path / "sea.mp4"))
    page.get_by_role("button", name="Send the videos").click()
    expect(page).to_have_url(re.compile("/videos/$"))

    title = page.get_by_role("heading", name="sea")

    def is_ready() -> bool:
        page.reload()  # which doesn't send it again
        return page.locator("[data-status=ready]", has=title).count() > 0  # of which a second try has two

    until(is_ready, within=90)
    expect(title.first).to_be_visible()
    assert dead_controls(page) == []


def test_the_other_ways_leave_a_form(page: Page, console: Console, tmp_path: Path) -> None:
    console.expect("favicon")
    page.goto("/other-ways/")
    assert dead_controls(page) == []

    page.get_by_label("A file", exact=True).set_input_files(pictures.photo(tmp_path / "plain.jpg", (32, 24)))
    page.get_by_role("button", name="Send it").click()

    expect(page.locator("body")).to_contain_text("plain.jpg")


def dead_controls(page: Page) -> list[str]:
    """What can be seen and used, and does nothing: it is in no form, or its button needs a script."""
    page.wait_for_load_state()  # the stylesheets hide some
    controls = page.locator(
        "button, input, select, textarea, [tabindex='0'], summary, progress, canvas, [draggable=true]"
    )
    alive = "form[method=post] :is(button[type=submit], button:not([type]), input), details > summary, video *"
    return [
        control.evaluate("(element) => element.outerHTML")
        for control in controls.all()
        if control.is_visible() and not control.evaluate("(element, alive) => element.matches(alive)", alive)
    ]


# -- Browsers below the floor, and clients that don't arrive


def lost(route: Route) -> None:
    route.abort()


def unknown(route: Route) -> None:
    """Syntax that this browser hasn't learned."""
    route.fulfill(content_type="text/javascript", body="export const live = a ||| b;")


@pytest.mark.parametrize(
    ("module", "answer", "lacks"),
    [
        ("liveview/client", lost, ""),
        ("liveview/client", unknown, ""),
        ("liveview/morph", unknown, ""),
        ("", None, "delete Array.prototype.findLast"),
        ("", None, "delete Object.hasOwn"),
        ("", None, "const supports = CSS.supports; CSS.supports = (name, value) => !/light-dark/.test(value)"),
    ],
    ids=["lost", "unparsed", "partly unparsed", "no findLast", "no hasOwn", "no light-dark"],
)
def test_where_the_client_cant_start_the_page_is_as_without_javascript(
    new_context: NewContext,
    server: Server,
    console: Console,
    tmp_path: Path,
    module: str,
    answer: Callable[[Route], None] | None,
    lacks: str,
) -> None:
    console.expect("too old|ERR_FAILED|SyntaxError|Unexpected token|dynamically imported")
    page = new_context().new_page()
    page.add_init_script(lacks)
    if answer:
        page.route(f"**/{module}.js", answer)
    photo = pictures.photo(tmp_path / f"{tmp_path.name}.jpg", (64, 48))
    page.goto("/gallery/")
    expect(page.locator("html.live-absent.live-failed")).to_be_attached()
    expect(page.get_by_text("20 without JavaScript")).to_be_visible()
    expect(page.locator(".needs-js:visible, .needs-live:visible")).to_have_count(0)

    page.goto("/avatars/")
    page.set_input_files("input[name=avatar]", photo)
    page.get_by_role("button", name="Save avatar").click()

    expect(page.get_by_alt_text("Your avatar")).to_be_visible(timeout=LONG)
    expect(page.get_by_text(photo.name)).to_be_visible()


def test_a_file_goes_with_its_form_where_the_uploads_script_never_came(
    new_context: NewContext, server: Server, console: Console, tmp_path: Path
) -> None:
    """The page is live, but nothing takes its files: the browser itself sends the form."""
    console.expect("ERR_FAILED|dynamically imported")
    page = new_context().new_page()
    page.route("**/uploads/client.js", lambda route: route.abort())
    photo = pictures.photo(tmp_path / f"{tmp_path.name}.jpg", (64, 48))
    page.goto("/avatars/")
    expect(page.locator(".live-connected")).to_be_attached()
    page.set_input_files("input[name=avatar]", photo)
    page.get_by_role("button", name="Save avatar").click()

    expect(page.get_by_alt_text("Your avatar")).to_be_visible(timeout=LONG)
    expect(page.get_by_text(photo.name)).to_be_visible()
