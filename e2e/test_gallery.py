"""The gallery: many photos, each on its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, Route, expect

from e2e.support import pictures
from e2e.support.console import Console
from e2e.support.drag import dragging_files, drop_files
from e2e.support.proxy import FaultProxy
from e2e.support.sending import sha256
from e2e.support.server import Server
from liveview.tests.processes import until

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.usefixtures("nothing_staged")

ZONE = "[dj-upload-drop=photos]"
INPUT = "input[name=photos]"
LONG = 90_000  # ms: five hundred photos on a slow machine take their time


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    return [pictures.photo(folder / f"photo {n}.jpg", (640, 480 + n), seed=n) for n in range(5)]


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three photos of about 2 MB."""
    folder = tmp_path_factory.mktemp("large")
    return [pictures.photo(folder / f"large {n}.jpg", (2200, 1900 + n), seed=n, at_least=1_500_000) for n in range(3)]


@pytest.fixture(scope="session")
def bad(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> list[Path]:
    """A program with a picture's name, and half a photo."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "evil.png").write_bytes(b"MZ" + bytes(5000))
    (folder / "half.jpg").write_bytes(photos[0].read_bytes()[:15_000])
    return [folder / "evil.png", folder / "half.jpg"]


def visit(page: Page, url: str = "", *, auto: bool = True) -> None:
    page.goto(f"{url}/gallery/")
    expect(page.locator("html.live-connected")).to_be_attached()
    if not auto:
        page.get_by_label("Start uploads automatically").uncheck()
        expect(page.locator(".live-loading")).to_have_count(0, timeout=LONG)


def refused(page: Page, name: str) -> Locator:
    return page.locator("#refused").get_by_role("listitem").filter(has_text=name)


def row(page: Page, name: str) -> Locator:
    return page.locator(".upload-row", has_text=name)


def mine(page: Page, name: str) -> Locator:
    return page.get_by_label(f"Delete {name}", exact=True)


def upload_all(page: Page) -> None:
    page.get_by_role("button", name="Upload all").click()


def stored(server: Server) -> dict[str, list[str]]:
    """The hashes of the photos as received, by name."""
    connection = server.db()
    try:
        rows = connection.execute("SELECT name, sha256 FROM gallery_photo").fetchall()
    finally:
        connection.close()
    found: dict[str, list[str]] = {}
    for name, digest in rows:
        found.setdefault(name, []).append(digest)
    return found


def _caption(server: Server, name: str) -> str:
    connection = server.db()
    try:
        (caption,) = connection.execute("SELECT caption FROM gallery_photo WHERE name = ?", [name]).fetchone() or [""]
    finally:
        connection.close()
    return str(caption)


def test_of_five_dragged_photos_two_are_bad_and_three_arrive(
    page: Page, server: Server, photos: list[Path], bad: list[Path]
) -> None:
    visit(page)

    drop_files(page, ZONE, [photos[0], bad[0], photos[1], bad[1], photos[2]])

    for photo in photos[:3]:
        expect(mine(page, photo.name)).to_be_visible(timeout=LONG)
        assert sha256(photo) in stored(server)[photo.name]
    expect(row(page, "evil.png")).to_contain_text("but it isn't a")
    expect(row(page, "half.jpg")).to_contain_text("damaged")
    expect(page.locator(".upload-row")).to_have_count(2)
    assert not {"evil.png", "half.jpg"} & set(stored(server))


SHIFTS = """() => {
    window.shifts = [];
    const observer = new PerformanceObserver((list) => shifts.push(...list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: false });
}"""
# Web vitals: the largest sum of a burst, whose shifts are at most a second apart and which lasts five at most.
CLS = """() => {
    let largest = 0, sum = 0, began = 0, last = 0;
    for (const { value, startTime, hadRecentInput } of shifts) {
        if (hadRecentInput) continue;
        if (!sum || startTime - last > 1000 || startTime - began > 5000) [sum, began] = [0, startTime];
        sum += value;
        last = startTime;
        largest = Math.max(largest, sum);
    }
    return largest;
}"""


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_nothing_moves_while_thirty_photos_arrive_in_view(
    new_context: NewContext, size: tuple[int, int], photos: list[Path], bad: list[Path]
) -> None:
    page = new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    visit(page)
    page.set_input_files(INPUT, [_payload(f"before {n}.jpg", photos[n]) for n in range(3)])
    expect(mine(page, "before 2.jpg")).to_be_visible(timeout=LONG)
    expect(page.locator(".upload-row")).to_have_count(0)
    page.locator("#album").evaluate("(album) => album.scrollIntoView()")
    files = [*(_payload(f"new {n}.jpg", photos[n % 5]) for n in range(28)), *map(_as_payload, bad)]

    page.set_input_files(INPUT, files)
    expect(page.locator(".upload-row").nth(20)).to_be_attached(timeout=LONG)
    page.evaluate(SHIFTS)  # from now on: that photos which were just chosen take their places is what was asked for
    for number in range(28):
        expect(mine(page, f"new {number}.jpg").first).to_be_attached(timeout=LONG)
    expect(page.locator(".upload-summary-text")).to_have_text("28 uploaded · 2 refused")

    assert page.evaluate(CLS) <= 0.1


def _as_payload(path: Path) -> FilePayload:
    return {"name": path.name, "mimeType": "", "buffer": path.read_bytes()}


def test_rows_appear_at_once_with_all_that_is_known(page: Page, photos: list[Path]) -> None:
    visit(page, auto=False)

    page.set_input_files(INPUT, photos[:2])

    first = row(page, photos[0].name)
    expect(first).to_contain_text("kB")
    expect(first).to_contain_text("Waiting")
    expect(first.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "0")
    expect(first.locator("img")).to_be_visible()
    expect(page.locator(".upload-row")).to_have_count(2)


def test_upload_all_sends_what_waits_and_goes_on_without_the_bad_ones(
    page: Page, photos: list[Path], bad: list[Path]
) -> None:
    visit(page, auto=False)
    page.set_input_files(INPUT, [photos[3], bad[0], photos[4]])
    row(page, photos[3].name).get_by_label("Caption").fill("By the sea")

    upload_all(page)

    expect(mine(page, photos[4].name)).to_be_visible(timeout=LONG)
    expect(page.get_by_label(f"Caption of {photos[3].name}")).to_have_value("By the sea")
    expect(page.locator(".upload-row")).to_have_count(1)
    expect(row(page, "evil.png").locator(".upload-detail")).to_be_hidden()  # why is said below, once
    refused(page, "evil.png").get_by_role("button", name="Dismiss").click()
    expect(page.locator(".upload-row")).to_have_count(0)


def test_photos_that_wait_are_sent_when_sending_at_once_is_turned_on(page: Page, photos: list[Path]) -> None:
    visit(page, auto=False)
    page.set_input_files(INPUT, photos[:2])
    expect(page.locator(".upload-row")).to_have_count(2)

    page.get_by_label("Start uploads automatically").check()

    for photo in photos[:2]:
        expect(mine(page, photo.name)).to_be_visible(timeout=LONG)
    expect(page.locator(".upload-row")).to_have_count(0)


@pytest.mark.parametrize(("url", "field"), [("/gallery/", "photos"), ("/videos/", "video")])
def test_on_a_phone_all_of_the_reason_is_seen(new_context: NewContext, url: str, field: str) -> None:
    page = new_context(viewport={"width": 360, "height": 700}).new_page()
    page.goto(url)
    expect(page.locator("html.live-connected")).to_be_attached()

    name = "a rather long name of something that is no picture and no film.exe"
    page.set_input_files(f"input[name={field}]", [{"name": name, "mimeType": "", "buffer": b"MZ"}])

    shown = page.locator(f"[dj-upload-progress={field}] > [data-status]").last  # those refused are gathered below
    reason = shown.locator(".upload-detail")
    expect(reason).to_contain_text("isn't accepted")
    fits = "(row) => [row, ...row.querySelectorAll('.upload-detail')].every((e) => e.scrollWidth <= e.clientWidth)"
    assert shown.evaluate(fits)
    box = reason.bounding_box()
    assert box is not None and box["width"] > 150  # not one word a line


def test_a_folder_is_dropped_with_what_is_in_it(page: Page, server: Server, photos: list[Path], tmp_path: Path) -> None:
    inner = tmp_path / "holiday" / "beach"
    inner.mkdir(parents=True)
    names = ["one of a folder.jpg", "two of a folder.jpg"]
    (tmp_path / "holiday" / names[0]).write_bytes(photos[0].read_bytes())
    (inner / names[1]).write_bytes(photos[1].read_bytes())
    visit(page)

    drop_files(page, ZONE, [tmp_path / "holiday"])

    for name, photo in zip(names, photos, strict=False):
        expect(mine(page, name)).to_be_visible(timeout=LONG)
        assert stored(server)[name] == [sha256(photo)]


def test_a_folder_can_be_chosen(page: Page, photos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "chosen").mkdir()
    (tmp_path / "chosen" / "in a chosen folder.jpg").write_bytes(photos[2].read_bytes())
    visit(page)

    page.set_input_files("input[webkitdirectory]", tmp_path / "chosen")

    expect(mine(page, "in a chosen folder.jpg")).to_be_visible(timeout=LONG)


def test_an_image_is_pasted(page: Page) -> None:
    visit(page)
    page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(40, 30);
            canvas.getContext("2d").fillRect(0, 0, 20, 20);
            const clipboard = new DataTransfer();
            clipboard.items.add(new File([await canvas.convertToBlob()], "pasted.png", { type: "image/png" }));
            const paste = new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true });
            document.querySelector("[dj-upload-paste=photos]").dispatchEvent(paste);
        }"""
    )

    expect(mine(page, "pasted.png")).to_be_visible(timeout=LONG)


def test_two_tabs_see_each_others_photos(page: Page, new_context: NewContext, photos: list[Path]) -> None:
    visit(page)
    page.set_input_files(INPUT, [_payload("there already.jpg", photos[1])])  # an empty album takes all at once
    expect(mine(page, "there already.jpg").first).to_be_visible(timeout=LONG)
    other = new_context().new_page()
    visit(other)
    before = other.locator("img[alt='photo 0.jpg']").count()

    page.set_input_files(INPUT, photos[0])

    other.get_by_role("button", name="1 new photo").click()
    expect(other.locator("img[alt='photo 0.jpg']")).to_have_count(before + 1)
    expect(other.locator(".photo-open").first).to_be_focused()
    assert mine(other, photos[0].name).count() == 0


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_photos_that_others_add_do_not_move_what_one_looks_at(
    page: Page, new_context: NewContext, photos: list[Path], size: tuple[int, int]
) -> None:
    visit(page)
    page.set_input_files(INPUT, [_payload(f"seen {n}.jpg", photos[n]) for n in range(3)])
    expect(mine(page, "seen 2.jpg").first).to_be_visible(timeout=LONG)
    other = new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    visit(other)
    looked_at = other.locator(".photo").nth(1)
    looked_at.scroll_into_view_if_needed()
    before = looked_at.get_attribute("id"), looked_at.bounding_box()

    page.set_input_files(INPUT, [_payload(f"new {n}.jpg", photos[n % 5]) for n in range(10)])

    expect(other.get_by_role("button", name="10 new photos")).to_be_visible(timeout=LONG)
    assert (looked_at.get_attribute("id"), looked_at.bounding_box()) == before


def test_one_of_three_is_cancelled_midway_and_the_others_finish(
    page: Page, proxy: FaultProxy, server: Server, large: list[Path]
) -> None:
    visit(page, proxy.url)
    proxy.rate = 2_000_000
    page.set_input_files(INPUT, large)
    cancelled = row(page, large[1].name)
    expect(cancelled.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile("^([1-9]|[1-7][0-9])$"))

    cancelled.get_by_role("button", name="Remove").click()
    proxy.rate = None

    expect(mine(page, large[0].name)).to_be_visible(timeout=LONG)
    expect(mine(page, large[2].name)).to_be_visible(timeout=LONG)
    expect(page.locator(".upload-row")).to_have_count(0, timeout=LONG)  # thumbnails come before the rest
    assert large[1].name not in stored(server)
    assert sha256(large[2]) in stored(server)[large[2].name]


def test_an_upload_pauses_and_goes_on(page: Page, proxy: FaultProxy, server: Server, large: list[Path]) -> None:
    visit(page, proxy.url)
    proxy.rate = 1_000_000
    page.set_input_files(INPUT, large[0])
    held = row(page, large[0].name)
    expect(held).to_contain_text("left")

    held.get_by_role("button", name="Pause").click()
    expect(held).to_have_attribute("data-status", "paused")
    sent = until(lambda: _quiet(proxy))
    assert sent < large[0].stat().st_size
    proxy.rate = None
    held.get_by_role("button", name="Resume").click()

    expect(mine(page, large[0].name).first).to_be_visible(timeout=LONG)
    expect(page.locator(".upload-row")).to_have_count(0, timeout=LONG)
    assert sha256(large[0]) in stored(server)[large[0].name]


def _quiet(proxy: FaultProxy) -> int:
    """What has been sent, once nothing more is being sent."""
    seen = getattr(proxy, "seen", None)
    proxy.seen = proxy.bytes_up  # type: ignore[attr-defined]
    return proxy.bytes_up if seen == proxy.bytes_up else 0


def test_a_few_photos_travel_at_a_time_and_the_others_queue(page: Page, proxy: FaultProxy, large: list[Path]) -> None:
    visit(page, proxy.url)
    proxy.rate = 1_000_000
    copies = [_payload(f"queue {number}.jpg", large[number % 3]) for number in range(6)]

    page.set_input_files(INPUT, copies)
    first = row(page, "queue 0.jpg").get_by_role("progressbar")
    expect(first).to_have_attribute("aria-valuenow", re.compile("^([1-9]|[1-4][0-9])$"))

    statuses = page.locator(".upload-row").evaluate_all("rows => rows.map((row) => row.dataset.status)")
    assert statuses == ["uploading"] * 3 + ["queued"] * 3
    proxy.rate = None
    for copy in copies:
        expect(mine(page, copy["name"])).to_be_visible(timeout=LONG)
    expect(page.locator(".upload-row")).to_have_count(0, timeout=LONG)


def _payload(name: str, photo: Path) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": photo.read_bytes()}


def test_a_cut_in_the_middle_is_survived_by_every_photo(
    page: Page, proxy: FaultProxy, server: Server, console: Console, large: list[Path]
) -> None:
    console.expect("WebSocket connection")
    visit(page, proxy.url)
    proxy.cut_after = proxy.bytes_up + 2_000_000
    copies = [_payload(f"cut {n}.jpg", path) for n, path in enumerate(large)]

    page.set_input_files(INPUT, copies)

    for number, path in enumerate(large):
        expect(mine(page, f"cut {number}.jpg")).to_be_visible(timeout=LONG)
        assert stored(server)[f"cut {number}.jpg"] == [sha256(path)]
    expect(page.locator(".upload-row")).to_have_count(0, timeout=LONG)
    assert proxy.cuts == 1


def _gives_up(route: Route) -> None:
    """The module without any tries of its own."""
    source = route.fetch()
    route.fulfill(response=source, body=source.text().replace("const TRIES = 6;", "const TRIES = 0;"))


def test_a_failed_photo_can_be_tried_again(page: Page, server: Server, photos: list[Path]) -> None:
    """What failed for the server's sake succeeds once that is mended. Here the page doesn't try by itself."""
    page.route("**/uploads/retry.js", _gives_up)
    visit(page)
    with server.unwritable():
        page.set_input_files(INPUT, [_payload("again.jpg", photos[0])])
        expect(row(page, "again.jpg")).to_contain_text("no room")

    refused(page, "again.jpg").get_by_role("button", name="Try again").click()

    expect(mine(page, "again.jpg")).to_be_visible(timeout=LONG)


def test_the_same_photo_twice_is_two_photos(page: Page, photos: list[Path]) -> None:
    visit(page)
    payload = _payload("twin.jpg", photos[0])

    page.set_input_files(INPUT, [payload])
    page.set_input_files(INPUT, [payload])

    expect(mine(page, "twin.jpg")).to_have_count(2, timeout=LONG)


def test_dragging_over_the_zones_parts_does_not_flicker(page: Page, photos: list[Path]) -> None:
    visit(page)
    page.evaluate(
        """() => {
            window.classes = [];
            const zone = document.querySelector("[dj-upload-drop=photos]");
            new MutationObserver(() => classes.push(zone.className)).observe(zone, { attributes: true });
        }"""
    )

    with dragging_files(page, ZONE, photos[:1]), dragging_files(page, f"{ZONE} .hint:not([id])", photos[:1]):
        expect(page.locator(ZONE)).to_have_class(re.compile("upload-dragover"))

    assert page.evaluate("classes.filter((name) => !name.includes('upload-dragover')).length") <= 2


def test_what_a_drop_would_do_is_not_said_longer_than_the_drag(page: Page, photos: list[Path]) -> None:
    """What the drag is over may be taken away by a render, and then doesn't say that the drag has left it."""
    visit(page)
    page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<p id=mayfly>Here</p>')")
    with dragging_files(page, "#mayfly", photos[:1]):
        page.evaluate("document.querySelector('#mayfly').remove()")
        expect(page.locator(ZONE)).to_have_class(re.compile("upload-dragover"))
    page.mouse.move(5, 5)
    page.mouse.move(9, 9)
    expect(page.locator(ZONE)).not_to_have_class(re.compile("upload-dragover"))


def test_photos_are_captioned_moved_deleted_and_brought_back_from_the_keyboard(page: Page, photos: list[Path]) -> None:
    visit(page)
    payloads = [_payload(f"key {n}.jpg", photos[n]) for n in range(2)]
    for payload in payloads:
        page.locator(INPUT).focus()
        page.set_input_files(INPUT, [payload])
        expect(mine(page, str(payload["name"]))).to_be_visible(timeout=LONG)

    caption = page.get_by_label("Caption of key 0.jpg")
    caption.fill("Zero")
    page.keyboard.press("Tab")
    expect(page.locator("img[alt=Zero]")).to_be_attached()

    page.get_by_label("Move key 1.jpg later").press("Enter")
    expect(page.locator(".photo img").first).to_have_attribute("alt", "Zero")
    expect(page.get_by_label("Move key 1.jpg later")).to_be_focused()

    mine(page, "key 1.jpg").press("Enter")
    expect(mine(page, "key 1.jpg")).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(mine(page, "key 1.jpg")).to_be_focused()

    select = page.get_by_label("Select key 1.jpg")
    select.press("Space")
    page.get_by_role("button", name="Clear", exact=True).press("Enter")
    expect(select).to_be_focused()

    page.locator(".photo-open").first.press("Enter")
    box = page.locator("dialog.lightbox")
    expect(box).to_be_visible()
    expect(box.locator("figcaption")).to_have_text("Zero")
    page.keyboard.press("ArrowRight")
    expect(box.locator("figcaption")).to_have_text("key 1.jpg")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()


def test_a_caption_is_typed_on_while_the_row_becomes_a_photo(
    page: Page, proxy: FaultProxy, server: Server, large: list[Path]
) -> None:
    visit(page, proxy.url)
    proxy.rate = 600_000
    page.set_input_files(INPUT, [{"name": "typed.jpg", "mimeType": "image/jpeg", "buffer": large[0].read_bytes()}])
    caption = row(page, "typed.jpg").get_by_label("Caption")
    caption.focus()

    for _ in range(150):  # with no pause long enough for what is typed to be sent
        page.keyboard.type("x", delay=30)
        if not page.locator(".upload-row").count():
            break
    caption = page.get_by_label("Caption of typed.jpg")
    expect(caption).to_be_focused(timeout=LONG)
    page.keyboard.type("!")
    page.keyboard.press("Tab")

    until(lambda: re.fullmatch("x+!", _caption(server, "typed.jpg")))


def test_the_focus_goes_along_with_a_photo_that_is_refused(page: Page, proxy: FaultProxy, tmp_path: Path) -> None:
    """Nothing is pressed by what is still being typed into its caption."""
    visit(page, proxy.url)
    damaged = tmp_path / "damaged.png"  # as nobody knows before its last byte has come
    with Image.open(pictures.photo(tmp_path / "photo.jpg", (300, 300))) as photo:
        photo.save(damaged)
    data = damaged.read_bytes()
    damaged.write_bytes(data[: len(data) // 2] + bytes(50) + data[len(data) // 2 + 50 :])
    refused = page.locator(".refused-row")

    proxy.rate = 150_000
    page.set_input_files(INPUT, damaged)
    row(page, "damaged.png").get_by_label("Caption").focus()
    while not refused.count():
        page.keyboard.type(" ", delay=30)
    expect(refused).to_be_focused()
    page.keyboard.type(" ")
    page.keyboard.press("Tab")
    expect(refused.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(refused).to_have_count(0)

    page.set_input_files(INPUT, damaged)
    row(page, "damaged.png").get_by_role("button", name="Pause").focus()
    expect(refused.get_by_role("button", name="Dismiss")).to_be_focused()


def test_a_photo_is_dragged_to_another_place(page: Page, photos: list[Path]) -> None:
    visit(page)
    for number in range(2):
        payload = _payload(f"drag {number}.jpg", photos[number])
        page.set_input_files(INPUT, [payload])
        expect(mine(page, f"drag {number}.jpg")).to_be_visible(timeout=LONG)
    alts = "() => [...document.querySelectorAll('.photo img')].slice(0, 2).map((image) => image.alt)"
    assert page.evaluate(alts) == ["drag 1.jpg", "drag 0.jpg"]

    first, second = page.locator(".photo-open").nth(0), page.locator(".photo-open").nth(1)
    box = second.bounding_box()
    assert box is not None
    first.drag_to(second, target_position={"x": box["width"] - 10, "y": box["height"] / 2})

    expect(page.locator(".photo img").first).to_have_attribute("alt", "drag 0.jpg")
    assert page.evaluate(alts) == ["drag 0.jpg", "drag 1.jpg"]

    page.locator(".photo-open").nth(1).drag_to(page.locator(".photo-open").nth(0), target_position={"x": 10, "y": 60})
    expect(page.locator(".photo img").first).to_have_attribute("alt", "drag 1.jpg")
    assert page.evaluate(alts) == ["drag 1.jpg", "drag 0.jpg"]


def test_five_hundred_photos_are_all_stored_while_the_page_stays_alive(
    page: Page, server: Server, tmp_path: Path
) -> None:
    paths = [pictures.photo(tmp_path / f"crowd {n:03}.jpg", (48, 36), seed=n) for n in range(500)]
    visit(page)
    drop_files(page, ZONE, paths)
    expect(page.locator(".upload-row").first).to_be_visible()
    page.get_by_label("Start uploads automatically").uncheck()
    expect(page.locator(".live-loading")).to_have_count(0, timeout=LONG)
    page.get_by_label("Start uploads automatically").check()

    expect(page.locator(".upload-row")).to_have_count(0, timeout=8 * LONG)
    found = stored(server)
    assert {path.name: [sha256(path)] for path in paths}.items() <= found.items()
