"""Everybody can use the pages: axe finds nothing wrong by WCAG 2.2 AA, and the keyboard alone is enough.

The states of an upload are found by attributes, not by words, which may change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, Route, expect

from e2e.support import media, pictures
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy, link_to
from e2e.support.server import Server

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.base("deployed")

PAGES = ["/docs/", "/docs/package/", "/other-ways/", "/code/avatars/", "/admin/login/", "/no-such-page"]
LIVE_PAGES = ["/", "/avatars/", "/gallery/", "/videos/"]
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = ["color-contrast", "link-in-text-block"]  # rules that a theme can break
PLACES = ["scrollable-region-focusable", "target-size"]  # those that a width can break
LOOKS = [("light", 1280, LEVELS), ("dark", 1280, COLOURS), ("light", 390, [*COLOURS, *PLACES]), ("dark", 390, COLOURS)]
LONG = 90_000  # ms: a slow machine takes its time
SLOW = 60_000  # bytes a second: what is being sent still is when it has been looked at
BAD: FilePayload = {"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"MZ" + bytes(5000)}

FOUND = """async ([within, wanted]) => {
  const moving = document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(moving.map((each) => each.finished));
  const { violations } = await axe.run(within, { runOnly: wanted, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target} ${node.failureSummary.replaceAll(/\\s+/g, " ")}`));
}"""


link = link_to("deployed", expected="WebSocket|Failed to load resource|ERR_")


@pytest.fixture
def page(new_context: NewContext) -> Page:
    page = new_context(reduced_motion="reduce").new_page()
    page.on("filechooser", lambda chooser: None)  # from now on no dialog is opened that a test couldn't see
    return page


# Of the words of the code each kind once: thousands are alike.
ONE_OF_EACH = """() => {
  const seen = new Set();
  const isNew = ({ className }) => !seen.has(className) && seen.add(className);
  for (const code of document.querySelectorAll("pre.code code")) {
    code.replaceChildren(...[...code.querySelectorAll("span")].filter(isNew));
  }
}"""
OPEN_DETAILS = "document.querySelectorAll('details').forEach((each) => (each.open = true))"


def expect_accessible(page: Page, state: str, within: str = "html") -> None:
    assert problems(page, state, within) == {}


def problems(page: Page, state: str, within: str = "html") -> dict[str, list[str]]:
    """What axe finds now, by each look that it has: only what a look can change is asked again for the next."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = {}
    for scheme, width, wanted in LOOKS:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        found[f"{state}, {scheme}, {width} px"] = page.evaluate(FOUND, [within, wanted])
    return {look: problems for look, problems in found.items() if problems}


def visit(page: Page, path: str, url: str = "") -> None:
    page.goto(f"{url}{path}")
    expect(page.locator("html.live-connected")).to_be_attached()


# -- What axe finds


def test_pages_as_they_are_found(page: Page, console: Console) -> None:
    console.expect("404")
    found: dict[str, list[str]] = {}
    for path in [*LIVE_PAGES, *PAGES]:
        page.goto(path)
        if path in LIVE_PAGES:
            expect(page.locator("html.live-connected")).to_be_attached()
        page.evaluate(OPEN_DETAILS)
        page.evaluate(ONE_OF_EACH)
        found |= problems(page, path)
    assert found == {}


def test_the_start_page(page: Page, link: FaultProxy, tmp_path: Path) -> None:
    (file := tmp_path / "some.dat").write_bytes(bytes(range(256)) * 8000)
    visit(page, "/", link.url)
    page.locator("[data-try=slow]").uncheck()
    link.rate = SLOW
    page.set_input_files("input[name=file]", file)
    expect(page.locator("#try-rows [data-status=uploading]")).to_be_visible()
    expect_accessible(page, "uploading", within="#live")

    page.locator("[data-try=plug]").click()
    expect(page.locator("html.live-connected")).to_have_count(0)
    expect_accessible(page, "unplugged", within="#live")

    link.rate = None
    page.locator("[data-try=plug]").click()
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", "equal", timeout=LONG)
    expect_accessible(page, "arrived", within="#live")


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


def test_a_gallery(page: Page, link: FaultProxy, tmp_path: Path) -> None:
    small = [pictures.photo(tmp_path / f"small {n}.jpg", (320, 240), seed=n) for n in range(2)]
    large = [pictures.photo(tmp_path / f"large {n}.jpg", (2000, 1900), seed=n) for n in range(2)]
    (txt := tmp_path / "bad.txt").write_text("No photo.")
    visit(page, "/gallery/", link.url)
    chosen, rows = page.locator("input[name=photos]"), page.locator("#photo-rows")

    chosen.set_input_files(small)
    expect(page.locator("#photos li")).to_have_count(2, timeout=LONG)
    expect_accessible(page, "done")

    page.locator("a.photo-open").first.click()
    expect(page.locator("#lightbox")).to_be_visible()
    expect_accessible(page, "a photo opened")
    page.keyboard.press("Escape")

    page.locator("[dj-click=delete]").first.click()
    expect(page.locator("#photos li")).to_have_count(1)
    expect_accessible(page, "deleted")

    page.locator("#auto").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0)
    chosen.set_input_files([*large, txt])
    expect(rows.locator("[data-status=queued]")).to_have_count(2)
    expect(rows.locator("[data-status=error]")).to_have_count(1)
    expect_accessible(page, "chosen and refused")

    link.rate = SLOW
    page.locator("#photos-form .button[type=submit]").click()
    expect(rows.locator("[data-status=uploading]").first).to_be_visible()
    expect_accessible(page, "uploading")

    rows.locator("[data-status=uploading] [dj-upload-pause]").first.click()
    expect(rows.locator("[data-status=paused]")).to_have_count(1)
    expect_accessible(page, "paused")

    link.refuse = True
    link.cut()
    expect(page.locator("html.live-connected")).to_have_count(0)
    expect_accessible(page, "reconnecting")


def test_a_video(page: Page, link: FaultProxy, tmp_path: Path) -> None:
    film = media.video(tmp_path / "film.mp4", sound="aac", seconds=2)
    nothing = 5_000_000
    long = tmp_path / "long.mp4"
    long.write_bytes(film.read_bytes() + nothing.to_bytes(4, "big") + b"free" + bytes(nothing - 8))
    visit(page, "/videos/", link.url)
    chosen, rows = page.locator("input[name=video]"), page.locator("#video-rows")

    chosen.set_input_files(film)
    expect(page.locator("li.video video")).to_be_visible(timeout=LONG)
    page.evaluate(OPEN_DETAILS)
    expect_accessible(page, "done")

    chosen.set_input_files({**BAD, "name": "bad.mp4"})
    expect(rows.locator("[data-status=error]")).to_be_visible()
    expect_accessible(page, "refused")
    rows.locator("[dj-upload-cancel]").click()

    link.rate = SLOW
    chosen.set_input_files(long)
    expect(rows.locator("[data-status=uploading]")).to_be_visible()
    expect_accessible(page, "uploading")

    page.locator("#wire-button").click()
    expect(page.locator("#wire")).to_be_visible()
    expect_accessible(page, "with what is on the wire")

    rows.locator("[dj-upload-pause]").click()
    expect(rows.locator("[data-status=paused]")).to_be_visible()
    expect_accessible(page, "paused")

    link.rate = None
    page.once("dialog", lambda dialog: dialog.accept())
    visit(page, "/videos/", link.url)
    expect(page.locator("#video-offers [data-resume=go]")).to_be_visible()
    expect_accessible(page, "interrupted")


def test_the_other_ways(page: Page, console: Console, deployed: Server, tmp_path: Path) -> None:
    console.expect("415|400|Failed to load resource")
    file = tmp_path / "some.dat"
    file.write_bytes(bytes(range(256)) * 400)
    page.goto("/other-ways/")

    page.set_input_files("#file", file)
    page.locator("#send-all").click()
    expect(page.locator("[data-state=done]")).to_have_count(5, timeout=LONG)
    expect_accessible(page, "done")

    page.set_input_files("#file", {"name": "bad.exe", "mimeType": "", "buffer": b"MZ" + bytes(100)})
    page.locator("#send-all").click()
    expect(page.locator("[data-state=failed]").first).to_be_visible(timeout=LONG)
    expect_accessible(page, "refused")


# -- The keyboard alone

# The focus may be nowhere for as long as it takes to find out where it goes, and no longer.
WATCH_FOCUS = """
  delete Window.prototype.showOpenFilePicker; // files are chosen by inputs: the other dialog can't be driven
  delete window.showOpenFilePicker;
  window.focusWasLost = "";
  let last = null, frames = 0;
  const look = () => {
    const { activeElement } = document;
    if (activeElement && activeElement !== document.body) [last, frames] = [activeElement, 0];
    else if (last && ++frames === 40) window.focusWasLost = last.outerHTML.slice(0, 200);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  addEventListener("keydown", ({ key }) => key === "Tab" && (last = null), true); // it may lead out of the page
"""
# What has the focus, if it is behind something else (WCAG 2.4.11): neither its middle nor an edge can be seen.
COVERED = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return ""; // the browser's own buttons have it
  const shown = focused.closest(".file-button") ?? focused;
  const { left, top, right, bottom } = shown.getBoundingClientRect();
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const points = [[x, y], [left + 2, y], [right - 2, y], [x, top + 2], [x, bottom - 2]];
  const found = points.map(([x, y]) => document.elementFromPoint(x, y));
  return found.some((one) => one && (shown.contains(one) || one.contains(shown))) ? "" : shown.outerHTML;
}"""


@pytest.fixture
def keyboard(page: Page) -> Iterator[Page]:
    page.add_init_script(WATCH_FOCUS)
    yield page
    assert page.evaluate("window.focusWasLost") == ""


def tab_to(page: Page, selector: str, key: str = "Tab") -> Locator:
    """Where the Tab key leads to sooner or later; what has the focus on the way there can be seen."""
    target = page.locator(selector).first
    expect(target).to_be_attached()
    for _ in range(120):
        page.keyboard.press(key)
        assert page.evaluate(COVERED) == ""
        if target.evaluate("(element) => element === document.activeElement"):
            return target
    raise AssertionError(f"the {key} key never gets to {selector}")


def press(page: Page, selector: str, key: str = "Enter", back: bool = False) -> None:
    tab_to(page, selector, "Shift+Tab" if back else "Tab")
    page.keyboard.press(key)


def choose(page: Page, selector: str, *paths: Path, slow: FaultProxy | None = None) -> None:
    """Opens the browser's own dialog. What is chosen travels slowly if a link is given."""
    with page.expect_file_chooser() as chooser:
        press(page, selector)
    if slow:
        slow.rate = SLOW
    chooser.value.set_files(paths)


def test_a_file_is_tried_and_its_plug_pulled_by_the_keyboard(keyboard: Page, link: FaultProxy, tmp_path: Path) -> None:
    (file := tmp_path / "some.dat").write_bytes(bytes(range(256)) * 4000)
    visit(keyboard, "/", link.url)
    press(keyboard, "[data-try=slow]", "Space")
    choose(keyboard, "input[name=file]", file, slow=link)
    expect(keyboard.locator("#try-rows [data-status=uploading]")).to_be_visible()

    press(keyboard, "[data-try=plug]")
    expect(keyboard.locator("html.live-connected")).to_have_count(0)
    keyboard.keyboard.press("Enter")
    link.rate = None

    expect(keyboard.locator("#verdict")).to_have_attribute("data-verdict", "equal", timeout=LONG)


def test_an_avatar_is_cropped_saved_and_removed_by_the_keyboard(
    keyboard: Page, link: FaultProxy, tmp_path: Path
) -> None:
    photo = pictures.photo(tmp_path / "me.jpg", (600, 400))
    visit(keyboard, "/avatars/", link.url)
    choose(keyboard, "input[name=avatar]", photo)
    expect(keyboard.locator(".preview img")).to_be_visible()

    press(keyboard, "[data-crop=open]")
    expect(keyboard.locator("dialog.crop")).to_be_visible()
    for key in ("r", "+", "ArrowLeft"):
        keyboard.keyboard.press(key)
    press(keyboard, "[data-crop=use]")
    expect(keyboard.locator("dialog.crop")).to_be_hidden()
    press(keyboard, "#avatar-save")
    expect(keyboard.locator("img.avatar")).to_be_visible(timeout=LONG)

    press(keyboard, "#avatar-remove")
    expect(keyboard.locator("img.avatar")).to_have_count(0)
    press(keyboard, "#undo button")
    expect(keyboard.locator("img.avatar")).to_be_visible()


def _gives_up(route: Route) -> None:
    """The module without any tries of its own."""
    source = route.fetch()
    route.fulfill(response=source, body=source.text().replace("const TRIES = 6;", "const TRIES = 0;"))


def test_photos_are_sent_and_kept_in_order_by_the_keyboard(
    keyboard: Page, link: FaultProxy, deployed: Server, tmp_path: Path
) -> None:
    page = keyboard
    page.route("**/uploads/retry.*.js", _gives_up)
    photos = [pictures.photo(tmp_path / f"{n}.jpg", (1200, 900), seed=n) for n in range(3)]
    visit(page, "/gallery/", link.url)
    rows, album = page.locator("#photo-rows"), page.locator("#photos li[data-own]")

    choose(page, "input[name=photos]", *photos[:2], slow=link)
    expect(rows.locator("[data-status=uploading]")).to_have_count(2)
    press(page, "#photo-rows [dj-upload-pause]")
    expect(rows.locator("[data-status=paused]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(rows.locator("[data-status=paused]")).to_have_count(0)
    press(page, "#photo-rows [dj-upload-cancel]")
    expect(rows.locator("[data-status]")).to_have_count(1)
    link.rate = None
    expect(album).to_have_count(1, timeout=LONG)
    expect(rows.locator("[data-status]")).to_have_count(0)

    with deployed.unwritable():
        choose(page, "input[name=photos]", photos[0], photos[2])
        expect(page.locator("#refused [data-status=error]")).to_have_count(2, timeout=LONG)
    press(page, "#refused [dj-upload-retry]")
    press(page, "[dj-upload-all=retry]")
    expect(album).to_have_count(3, timeout=LONG)

    first = album.first.get_attribute("id")
    press(page, "#photos [data-by='1']", back=True)
    expect(album.nth(1)).to_have_attribute("id", str(first))

    press(page, "#photos a.photo-open", back=True)
    expect(page.locator("#lightbox")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lightbox-count")).to_have_text(re.compile("^2 /"))
    page.keyboard.press("Escape")
    expect(page.locator("#lightbox")).to_be_hidden()

    for number in (1, 2):
        press(page, f"#photos li:nth-child({number}) .photo-select input", "Space")
        expect(page.locator("#selection")).to_contain_text(str(number))
    press(page, "[dj-click=delete_selected]")
    expect(album).to_have_count(1)
    press(page, "[dj-click=undo]")
    expect(album).to_have_count(3)
    press(page, "#photos [dj-click=delete]")
    expect(album).to_have_count(2)


def test_a_video_is_sent_over_a_broken_line_named_and_deleted_by_the_keyboard(
    keyboard: Page, link: FaultProxy, tmp_path: Path
) -> None:
    page = keyboard
    film = media.video(tmp_path / "film.mp4", seconds=4, size=(640, 360), noise=160)
    visit(page, "/videos/", link.url)
    press(page, "#wire-button")
    choose(page, "input[name=video]", film, slow=link)
    row = page.locator("#video-rows")
    expect(row.locator("[data-status=uploading]")).to_be_visible()

    press(page, "[data-chaos=cut]")
    expect(page.locator(".chaos-log")).to_contain_text("goes on from there")
    tab_to(page, "#chaos select")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#chaos select")).to_have_value("2000000")
    press(page, "#video-rows [dj-upload-pause]", back=True)
    expect(row.locator("[data-status=paused]")).to_be_visible()
    page.keyboard.press("Enter")
    expect(row.locator("[data-status=paused]")).to_have_count(0)
    link.rate = None
    expect(page.locator("li.video video").first).to_be_visible(timeout=LONG)
    expect(row.locator("[data-status]")).to_have_count(0)

    title = tab_to(page, "input.video-title")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    expect(page.locator("li.video video").first).to_have_attribute("aria-label", "By keyboard")
    expect(title).to_have_value("By keyboard")
    press(page, "li.video [dj-click=delete]")
    expect(page.locator("li.video [dj-click=delete]")).to_have_count(0)
    press(page, "#undo button")
    expect(page.locator("li.video [dj-click=delete]")).to_have_count(1)


def test_a_file_goes_another_way_by_the_keyboard(keyboard: Page, deployed: Server, tmp_path: Path) -> None:
    (file := tmp_path / "some.dat").write_bytes(bytes(range(256)))
    keyboard.goto("/other-ways/")

    choose(keyboard, "#file", file)
    press(keyboard, "[data-way=tus] [data-part=send]")

    expect(keyboard.locator("[data-way=tus]")).to_have_attribute("data-state", "done", timeout=LONG)
    expect(keyboard.locator("#received tbody tr")).to_have_count(1)
    press(keyboard, "#received tbody button")
    expect(keyboard.locator("#undo button")).to_be_focused()
    keyboard.keyboard.press("Enter")
    expect(keyboard.locator("#received tbody tr")).to_have_count(1)
    expect(keyboard.locator("#received tbody button")).to_be_focused()
