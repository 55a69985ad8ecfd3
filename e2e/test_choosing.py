"""What a visitor chooses, and when: beside a file that is under way, in its place, from a folder or the clipboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from e2e.lab.pages import Visit
from e2e.lab.shortest import address
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
    page.get_by_label("Start uploads automatically").uncheck()
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

    page.once("dialog", lambda dialog: dialog.accept())  # some of it has been sent
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


def test_in_a_slot_for_one_what_is_under_way_is_replaced_only_by_visitors_who_say_so(
    page: Page, visit: Visit, lab_proxy: FaultProxy, tmp_path: Path
) -> None:
    names = ("long.txt", "late.txt")
    for name in names:
        (tmp_path / name).write_bytes(b"Once upon a time. " * 200_000)
    visit(f"{lab_proxy.url}{address(FORM, docs={})}")
    lab_proxy.rate = SLOW
    page.set_input_files("input", tmp_path / "long.txt")
    expect(row(page, "long.txt").get_by_role("progressbar")).to_have_attribute("aria-valuenow", MOVING)
    asked: list[str] = []

    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    drop_files(page, "#zone", [tmp_path / "late.txt"])
    page.wait_for_function("document.querySelector('input').files[0]?.name === 'long.txt'")
    expect(row(page, "long.txt")).to_have_attribute("data-status", "uploading")
    expect(page.locator("#rows > *")).to_have_count(1)

    page.once("dialog", lambda dialog: dialog.accept())
    page.set_input_files("input", tmp_path / "late.txt")
    lab_proxy.rate = None
    expect(row(page, "late.txt")).to_have_attribute("data-status", "complete")
    expect(page.locator("#rows > *")).to_have_count(1)
    assert len(asked) == 1 and re.fullmatch(r"\d+% of long\.txt is uploaded\. Replace it with late\.txt\?", asked[0])


def test_in_a_slot_for_one_what_was_replaced_by_a_file_that_is_refused_goes_on(
    page: Page, visit: Visit, lab_proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "long.txt").write_bytes(b"Once upon a time. " * 200_000)
    visit(f"{lab_proxy.url}{address(FORM, docs={'accept': '.txt,.png'})}")
    lab_proxy.rate = SLOW
    page.set_input_files("input", tmp_path / "long.txt")
    expect(row(page, "long.txt").get_by_role("progressbar")).to_have_attribute("aria-valuenow", MOVING)
    page.once("dialog", lambda dialog: dialog.accept())
    page.set_input_files("input", PROGRAM)

    expect(row(page, "program.png")).to_have_attribute("data-status", "error")
    expect(row(page, "long.txt")).to_have_attribute("data-status", "uploading")
    assert page.evaluate("document.querySelector('input').files[0].name") == "long.txt"
    lab_proxy.rate = None
    expect(row(page, "long.txt")).to_have_attribute("data-status", "complete")
    page.locator("#save").click()
    expect(page.locator("#saved")).to_have_text("long.txt")


def test_a_picture_that_is_refused_when_it_is_saved_leaves_the_one_before(
    page: Page, server: Server, tmp_path: Path
) -> None:
    good = pictures.photo(tmp_path / "good.jpg", (310, 200), seed=8)
    visit_site(page, "/avatars/")
    page.set_input_files("input[name=avatar]", good)
    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 310)
    page.set_input_files("input[name=avatar]", {**PROGRAM, "name": "half.png"})
    expect(page.locator(".preview")).to_contain_text("half.png")
    save = page.get_by_role("button", name="Save avatar")

    save.click()
    expect(page.get_by_role("alert")).to_contain_text("half.png")
    expect(page.locator(".preview img")).to_have_js_property("naturalWidth", 310)
    expect(page.locator("img.avatar")).to_have_count(0)
    save.click()

    expect(page.locator("img.avatar")).to_be_visible()
    assert sha256(good) in saved_avatars(server)


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
    page.get_by_label("Start uploads automatically").uncheck()
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
    page.get_by_label("Start uploads automatically").uncheck()
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


# -- What can't be taken

ROWS = '<div dj-upload-progress="docs" id="rows"></div>'
PLACE = '<div dj-upload-drop="docs" id="zone">Here <input type="file" dj-upload="docs"></div>' + ROWS
FORM = f'<form dj-submit="save">{PLACE}<button id="save">Save</button></form>'
BROKEN = """() => {
    const gone = (fail) => fail(new DOMException("It was there a moment ago.", "NotFoundError"));
    const wrap = (entry) => ({
        name: entry.name,
        fullPath: entry.fullPath,
        isDirectory: entry.isDirectory,
        isFile: entry.isFile,
        file: (done, fail) => (entry.name === "b.txt" ? gone(fail) : entry.file(done, fail)),
        createReader() {
            if (entry.name === "locked") return { readEntries: (done, fail) => gone(fail) };
            const reader = entry.createReader();
            return { readEntries: (done, fail) => reader.readEntries((some) => done(some.map(wrap)), fail) };
        },
    });
    const { webkitGetAsEntry } = DataTransferItem.prototype;
    DataTransferItem.prototype.webkitGetAsEntry = function () {
        return wrap(webkitGetAsEntry.call(this));
    };
}"""


def row(page: Page, name: str) -> Locator:
    return page.locator("#rows").get_by_role("group", name=name, exact=True)


def test_what_can_not_be_read_of_a_folder_is_named_and_keeps_nothing_else(
    page: Page, visit: Visit, tmp_path: Path
) -> None:
    for folder in ("papers/sub", "papers/locked", "nothing/here"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("a.txt", "b.txt", "sub/c.txt", "sub/.hidden"):
        (tmp_path / "papers" / name).write_text("text")
    visit(address(FORM, docs={"max_entries": 9}))
    page.evaluate(BROKEN)

    drop_files(page, "#zone", [tmp_path / "papers", tmp_path / "nothing"])

    for name in ("a.txt", "c.txt"):
        expect(row(page, name)).to_have_attribute("data-status", "complete")
    for name, reason in (("b.txt", "can't be read"), ("locked", "can't be read"), ("nothing", "no files")):
        expect(row(page, name)).to_contain_text(reason)
        expect(row(page, name).get_by_role("button", name="Try again")).to_be_hidden()
    expect(page.locator("#rows > *")).to_have_count(5)
    page.get_by_role("button", name="Remove all").click()
    page.click("#save")
    expect(page.locator("#saved li")).to_have_text([re.compile("^(a.txt c.txt|c.txt a.txt)$")])


def test_a_chosen_folder_without_files_says_so(page: Page, visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "systems").mkdir()
    (tmp_path / "systems" / ".DS_Store").write_text("hidden")
    visit(address(FORM.replace("dj-upload=", "webkitdirectory dj-upload="), docs={"max_entries": 9}))

    page.set_input_files("input", tmp_path / "systems")

    expect(row(page, "systems")).to_contain_text("There are no files in this folder.")


HUGE = """async () => {
    const { filesIn } = await import("/static/uploads/folders.js");
    const leaf = (name) => ({ name, fullPath: "/disk/" + name, file: (done) => done(new File(["text"], name)) });
    let batches = 0;
    const batch = () => Array.from({ length: 100 }, () => leaf(`${batches++}`));
    const createReader = () => ({ readEntries: (done) => done(batch()) });
    const found = await filesIn([{ name: "disk", fullPath: "/disk", isDirectory: true, createReader }]);
    return [found.length, found.at(-1).file.name];
}"""


def test_a_folder_without_an_end_is_read_as_far_as_a_page_takes_files(page: Page, visit: Visit) -> None:
    visit(address(FORM))

    assert page.evaluate(HUGE)[:2] == [2001, "disk"]


def test_a_slot_for_one_takes_the_first_and_names_the_others(page: Page, visit: Visit, tmp_path: Path) -> None:
    files = [tmp_path / f"{n:02}.txt" for n in range(3)]
    for file in files:
        file.write_text("text")
    visit(address(FORM, docs={"max_entries": 1}))

    drop_files(page, "#zone", files)

    expect(row(page, "00.txt")).to_have_attribute("data-status", "complete")
    expect(row(page, "02.txt")).to_contain_text("Only 1 file can be uploaded at a time.")
    expect(page.locator("#rows > *")).to_have_count(3)
    page.click("#save")
    expect(page.locator("#saved li")).to_have_text(["00.txt"])


def test_a_misspelt_slot_is_told_to_visitor_and_developer(page: Page, visit: Visit, console: Console) -> None:
    console.expect('no slot "dosc"|no such slot')
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    visit(address(FORM.replace('dj-upload="docs"', 'dj-upload="dosc"')))

    page.set_input_files("input", [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"text"}])

    expect(page.get_by_role("alert")).to_contain_text("a.txt: This page doesn't accept that upload.")
    assert any("no such slot" in line for line in said)
    page.get_by_role("button", name="Remove").click()
    page.click("#save")
    expect(page.locator("#saved li")).to_have_text(["nothing"])


def test_what_is_chosen_without_a_network_is_sent_when_there_is_one(
    page: Page, visit: Visit, lab_proxy: FaultProxy, console: Console, tmp_path: Path
) -> None:
    console.expect("WebSocket|ERR_")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("Dear Ada")
    visit(f"{lab_proxy.url}{address(FORM)}")
    lab_proxy.down()
    lab_proxy.cut()
    expect(page.locator("html.live-reconnecting")).to_be_attached()

    page.set_input_files("input", [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"text"}])
    drop_files(page, "#zone", [tmp_path / "papers"])
    expect(page.locator(".live-banner")).to_contain_text("couldn't be loaded")
    lab_proxy.up()
    page.evaluate("dispatchEvent(new Event('online'))")

    for name in ("a.txt", "letter.txt"):
        expect(row(page, name)).to_have_attribute("data-status", "complete", timeout=LONG)
    expect(page.locator(".live-banner")).to_have_text("")


def test_a_picture_is_one_whatever_it_is_called(page: Page, visit: Visit, small: Path) -> None:
    visit(address(FORM, docs={"max_entries": 9, "accept": "image/*"}))
    picture, program = small.read_bytes(), b"MZ" + bytes(3000)
    names = ["a.jfif", "b.pjpeg", "photo", "Bildschirmfoto um 10.22.33"]

    page.set_input_files("input", [{"name": name, "mimeType": "", "buffer": picture} for name in names])
    page.set_input_files("input", [{"name": "program", "mimeType": "image/jpeg", "buffer": program}])

    for name in names:
        expect(row(page, name)).to_have_attribute("data-status", "complete")
    expect(row(page, "program")).to_contain_text("This kind of file isn't accepted here.")
