"""The avatar page: the seeds' tutorial as a visitor goes through it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from e2e.support import pictures
from e2e.support.console import Console
from e2e.support.drag import dragging_files, drop_files
from e2e.support.proxy import FaultProxy
from e2e.support.server import Server

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.usefixtures("nothing_staged")

INPUT = "input[dj-upload=avatar]"
ZONE = "[dj-upload-drop=avatar]"
PROGRESS = "progress[dj-upload-progress=avatar]"


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG of about 4 MB."""
    return pictures.photo(tmp_path_factory.mktemp("photos") / "Ein Foto 📷.jpg", (3000, 2700), at_least=3_500_000)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures.photo(tmp_path_factory.mktemp("photos") / "small.jpg", (320, 240), seed=2)


def visit(page: Page, url: str = "") -> None:
    page.goto(f"{url}/avatars/")
    expect(page.locator("html.live-connected")).to_be_attached()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save avatar").click()


def saved(server: Server, name: str) -> dict[str, object]:
    connection = server.db()
    try:
        row = connection.execute("SELECT * FROM avatars_avatar WHERE name = ? ORDER BY id DESC", [name]).fetchone()
    finally:
        connection.close()
    assert row is not None, f"{name} is not in the database"
    return dict(row)


def watch_progress(page: Page) -> None:
    """Collects what the progress bar shows, and the events, from now on."""
    page.evaluate(
        """() => {
            window.seen = [];
            window.statuses = [];
            addEventListener("djust:upload:progress", (e) => {
                statuses.push(e.detail.status);
                requestAnimationFrame(() => seen.push(document.querySelector("progress")?.value));
            });
        }"""
    )


def test_a_dragged_photo_streams_with_progress_and_is_saved(
    page: Page, proxy: FaultProxy, server: Server, photo: Path
) -> None:
    visit(page, proxy.url)
    watch_progress(page)
    proxy.rate = 4_000_000

    drop_files(page, ZONE, [photo])
    expect(page.locator(".preview img")).to_be_visible()
    save(page)
    expect(page.locator("img.avatar")).to_be_visible(timeout=60_000)

    between = {value for value in page.evaluate("seen") if value is not None and 0 < value < 100}
    assert len(between) >= 4
    row = saved(server, photo.name)
    assert row["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert row["size"] == photo.stat().st_size
    assert pictures.difference(server.data_dir / "media" / str(row["image"]), photo) < 4
    expect(page.locator(ZONE)).to_contain_text(photo.name)
    expect(page.get_by_text("Replace…")).to_be_visible()


def test_choosing_only_queues_and_shows_a_preview(page: Page, proxy: FaultProxy, photo: Path) -> None:
    visit(page, proxy.url)
    watch_progress(page)
    sent = proxy.bytes_up

    page.set_input_files(INPUT, photo)
    expect(page.locator(".preview img")).to_be_visible()
    page.wait_for_function("document.querySelector('.preview img').naturalWidth === 3000")

    assert page.evaluate("statuses") == ["queued"]
    assert proxy.bytes_up - sent < 10_000
    assert page.evaluate("document.querySelector('progress').value") == 0


def test_the_zone_shows_that_a_file_is_over_it(page: Page, small: Path) -> None:
    visit(page)

    with dragging_files(page, ZONE, [small]):
        expect(page.locator(ZONE)).to_contain_class("upload-dragover")

    expect(page.locator(ZONE)).not_to_contain_class("upload-dragover")


def test_a_file_dropped_beside_the_zone_does_not_leave_the_page(page: Page, small: Path) -> None:
    visit(page)

    drop_files(page, "h1", [small])

    expect(page.locator("html.live-connected")).to_be_attached()
    expect(page.locator(".preview img")).to_have_count(0)


def test_replacing_removes_the_old_file(page: Page, server: Server, photo: Path, small: Path) -> None:
    visit(page)
    page.set_input_files(INPUT, photo)
    save(page)
    expect(page.locator("img.avatar")).to_be_visible()
    old = server.data_dir / "media" / str(saved(server, photo.name)["image"])
    assert old.exists()

    drop_files(page, ZONE, [small])  # on the saved avatar
    expect(page.locator(".preview img")).to_be_visible()
    expect(page.locator("img.avatar")).to_be_hidden()
    save(page)

    expect(page.locator(ZONE)).to_contain_text("small.jpg")
    assert not old.exists()
    assert page.evaluate("fetch(document.querySelector('img.avatar').src).then((r) => r.status)") == 200


def test_the_avatar_is_there_after_a_reload_and_not_for_another_visitor(
    page: Page, new_context: NewContext, small: Path
) -> None:
    visit(page)
    page.set_input_files(INPUT, small)
    save(page)
    expect(page.locator("img.avatar")).to_be_visible()

    page.reload()
    stranger = new_context().new_page()
    visit(stranger)

    expect(page.locator("img.avatar")).to_be_visible()
    expect(stranger.locator("img.avatar")).to_have_count(0)


def test_saving_without_a_file_says_so(page: Page) -> None:
    visit(page)

    save(page)

    expect(page.get_by_role("alert")).to_have_text("No file selected.")


def broken(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": data}


PNG_HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0"

REFUSED = {
    "a renamed program": (broken("cute.png", b"MZ" + bytes(9000)), "but it isn't a"),
    "a drawing with scripts": (broken("drawing.svg", b"<svg onload='alert(1)'/>"), "isn't accepted"),
    "nothing at all": (broken("empty.png", b""), "empty"),
    "too much": (broken("large.png", PNG_HEAD + bytes(6_000_000)), "The limit is 5 MB"),
    "half a picture": (broken("half.png", PNG_HEAD + bytes(500)), "damaged"),
    "a name with tags": (broken("<img src=x onerror=alert(1)>.png", b"MZ" + bytes(900)), "but it isn't a"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_file_is_refused_with_its_reason_and_the_next_one_works(
    page: Page, server: Server, small: Path, what: str
) -> None:
    payload, reason = REFUSED[what]
    visit(page)

    page.set_input_files(INPUT, [payload])
    save(page)
    expect(page.get_by_role("alert")).to_contain_text(reason)
    expect(page.get_by_role("alert")).to_contain_text(payload["name"])
    expect(page.locator("img.avatar")).to_have_count(0)
    expect(page.get_by_role("button", name="Save avatar")).to_be_enabled()

    page.set_input_files(INPUT, small)
    save(page)
    expect(page.locator("img.avatar")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_name_with_a_path_in_it_is_only_a_label(page: Page, server: Server, small: Path) -> None:
    visit(page)

    page.set_input_files(INPUT, [{"name": "../../etc/x.jpg", "mimeType": "image/jpeg", "buffer": small.read_bytes()}])
    save(page)

    expect(page.locator("img.avatar")).to_be_visible()
    stored = server.data_dir / "media" / str(saved(server, "x.jpg")["image"])
    assert stored.resolve().parent == (server.data_dir / "media" / "avatars").resolve()


def test_a_cut_in_the_middle_is_survived_without_choosing_again(
    page: Page, proxy: FaultProxy, server: Server, console: Console, photo: Path
) -> None:
    console.expect("WebSocket connection")
    visit(page, proxy.url)
    watch_progress(page)
    proxy.rate = 4_000_000
    proxy.cut_after = proxy.bytes_up + 1_500_000

    page.set_input_files(INPUT, photo)
    save(page)

    expect(page.locator("img.avatar")).to_be_visible(timeout=60_000)
    assert proxy.cuts == 1
    assert "resuming" in page.evaluate("statuses")
    assert saved(server, photo.name)["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()


def test_everything_works_from_the_keyboard(page: Page, small: Path) -> None:
    visit(page)

    page.locator(INPUT).focus()
    assert page.evaluate("getComputedStyle(document.activeElement.closest('label')).outlineStyle") != "none"
    page.set_input_files(INPUT, small)
    expect(page.get_by_role("button", name="Crop…")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").strip() == "Crop…"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").strip().startswith("Save avatar")
    page.keyboard.press("Enter")

    expect(page.locator("img.avatar")).to_be_visible()
    expect(page.get_by_text("Your avatar is saved.")).to_be_visible()
    expect(page.locator(INPUT)).to_be_focused()  # the nearest that is left


def test_without_javascript_the_form_saves_an_avatar(new_context: NewContext, server: Server, small: Path) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto("/avatars/")

    expect(page.locator(INPUT)).to_be_visible()
    page.set_input_files(INPUT, small)
    save(page)

    expect(page.locator("img.avatar")).to_be_visible()
    assert saved(server, small.name)["sha256"] == hashlib.sha256(small.read_bytes()).hexdigest()
    expect(page.locator(INPUT)).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("img.avatar")).to_have_count(0)


def test_without_javascript_a_bad_file_is_refused_with_its_reason(new_context: NewContext) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto("/avatars/")

    page.set_input_files(INPUT, [broken("cute.png", b"MZ" + bytes(9000))])
    save(page)

    expect(page.get_by_role("alert")).to_contain_text("but it isn't a")
    expect(page.locator("img.avatar")).to_have_count(0)


def test_a_part_of_the_picture_is_chosen_and_only_that_is_sent(page: Page, server: Server, photo: Path) -> None:
    """The picture has four quarters of different colours: closer and to the upper left, one of them is left."""
    visit(page)
    page.set_input_files(INPUT, photo)

    page.get_by_role("button", name="Crop…").click()
    page.get_by_label("Zoom").fill("3")
    stage = page.get_by_role("img", name="Your picture")
    stage.focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowUp")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 900)
    expect(page.locator(".preview img")).to_have_js_property("naturalHeight", 900)
    save(page)

    expect(page.locator("img.avatar")).to_be_visible()
    row = saved(server, photo.name)
    assert row["size"] < photo.stat().st_size / 4
    with Image.open(server.data_dir / "media" / str(row["image"])) as image:
        red, green, blue = image.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert red > 140 and green < 110 and blue < 110


def test_what_comes_next_is_in_view_after_choosing_and_can_be_taken_back(page: Page, small: Path) -> None:
    for width, height in ((1280, 800), (390, 664)):
        page.set_viewport_size({"width": width, "height": height})
        visit(page)
        page.set_input_files(INPUT, small)
        expect(page.locator(".preview img")).to_be_visible()
        for part in (page.get_by_role("button", name="Save avatar"), page.locator("#avatar-status")):
            box = part.bounding_box()
            assert box is not None and box["y"] + box["height"] <= height, width

    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".preview img")).to_have_count(0)
    expect(page.get_by_role("button", name="Save avatar")).to_be_focused()  # beside what has gone


PINCH = """(stage) => {
    const { left, top, width } = stage.getBoundingClientRect();
    const at = (id, type, x) => stage.dispatchEvent(new PointerEvent(type, {
        pointerId: id, pointerType: "touch", clientX: left + width / 2 + x, clientY: top + width / 2, bubbles: true,
    }));
    stage.setPointerCapture = () => {}; // there are no such fingers
    at(1, "pointerdown", -20); at(2, "pointerdown", 20);
    at(1, "pointermove", -40); at(2, "pointermove", 40);
    at(1, "pointerup", -40); at(2, "pointerup", 40);
    return Number(document.querySelector("#crop input").value);
}"""
CORNERS = """(stage) => [[100, 100], [540, 100], [540, 540], [100, 540]].map(([x, y]) =>
    [...stage.getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3)].map((level) => Number(level > 137)).join("")
)"""


def test_the_picture_is_pinched_zoomed_by_keys_and_turned(page: Page, photo: Path) -> None:
    visit(page)
    page.set_input_files(INPUT, photo)
    page.get_by_role("button", name="Crop…").click()
    stage = page.get_by_role("img", name="Your picture")
    expect(stage).to_be_focused()
    before = stage.evaluate(CORNERS)
    assert len(set(before)) == 4

    page.get_by_role("button", name="Rotate").click()
    assert stage.evaluate(CORNERS) == [before[3], *before[:3]]
    assert stage.evaluate(PINCH) == pytest.approx(2, abs=0.1)
    stage.press("+")
    assert float(page.get_by_label("Zoom").input_value()) == pytest.approx(2.3, abs=0.1)
    for _ in range(9):
        stage.press("-")
    assert page.get_by_label("Zoom").input_value() == "1"
    stage.press("r")
    page.get_by_role("button", name="Apply").click()

    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 1024)


def test_the_crop_is_in_nobodys_way(page: Page, photo: Path) -> None:
    """A phone takes a moment to open a large picture, and another to write what was cut out of it."""
    page.add_init_script(
        """(() => {
            const [open, write] = [createImageBitmap, HTMLCanvasElement.prototype.toBlob];
            window.gates = [];
            const gate = () => new Promise((go) => gates.push(go));
            window.createImageBitmap = async (...given) => gate().then(() => open(...given));
            HTMLCanvasElement.prototype.toBlob = function (...given) { gate().then(() => write.apply(this, given)); };
        })()"""
    )
    go_on = """async () => {
        for (const go of gates.splice(0)) { go(); await new Promise((done) => setTimeout(done, 100)); }
    }"""
    visit(page)
    page.set_input_files(INPUT, photo)
    crop, dialog = page.get_by_role("button", name="Crop…"), page.locator("#crop")

    crop.dblclick()
    page.wait_for_function("gates.length === 2")
    page.evaluate(go_on)
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    page.keyboard.press("Escape")
    page.evaluate(go_on)
    expect(dialog).to_be_hidden()
    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 3000)  # which was left as it was

    crop.click()
    page.wait_for_function("gates.length === 1")
    save(page)
    expect(page.locator("img.avatar")).to_be_visible()
    page.evaluate(go_on)
    expect(dialog).to_be_hidden()


def test_the_picture_is_dragged_below_its_frame(page: Page, photo: Path) -> None:
    visit(page)
    page.set_input_files(INPUT, photo)
    page.get_by_role("button", name="Crop…").click()
    page.get_by_label("Zoom").fill("3")
    stage = page.get_by_role("img", name="Your picture")
    middle = "(stage) => [...stage.getContext('2d').getImageData(320, 320, 1, 1).data].slice(0, 3)"
    box = stage.bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 20, steps=10)
    page.mouse.up()

    red, green, blue = stage.evaluate(middle)
    assert red > max(green, blue)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 3000)
