"""The client on other people's pages: drags, pastes and clicks that are somebody else's are left to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.lab.pages import Visit, event
from e2e.lab.shortest import address
from e2e.support.drag import drop_files

pytest_plugins = ["e2e.lab.fixtures"]

ROWS = '<div dj-upload-progress="docs" id="rows"></div>'

Names = Callable[..., list[Path]]


@pytest.fixture
def files(tmp_path: Path) -> Names:
    """Text files of these names."""

    def files(*names: str) -> list[Path]:
        for name in names:
            (tmp_path / name).write_text(f"This is {name}.")
        return [tmp_path / name for name in names]

    return files


def expect_files(page: Page, *names: str) -> None:
    """In the slot, as its rows have it."""
    expect(page.locator("#rows .upload-name")).to_have_text(list(names))


# -- Drags

OTHERS = """
<div dj-upload-drop="docs" id="zone">Drop here <input type="file" id="nested"></div>
<p><input type="file" dj-upload="docs" id="ours"></p>
<p><input type="file" id="native"></p>
<div id="theirs" dj-ignore>A zone of another library</div>
<div id="editor" contenteditable dj-ignore>An editor, which wants drops only</div>
<p id="nowhere">Nothing</p>
"""
LISTEN = """() => {
    window.dropped = [];
    const note = (e) => { e.preventDefault(); dropped.push([e.target.id, e.dataTransfer.files[0].name]); };
    const zone = document.getElementById("theirs");
    zone.addEventListener("dragover", (e) => { e.preventDefault(); e.dataTransfer.dropEffect = "copy"; });
    zone.addEventListener("drop", note);
    document.getElementById("editor").addEventListener("drop", note);
}"""


def test_a_drag_goes_to_whoever_is_nearest(page: Page, visit: Visit, files: Names) -> None:
    one, two, three, four = files("one.txt", "two.txt", "three.txt", "four.txt")
    visit(address(OTHERS + ROWS))
    page.evaluate(LISTEN)
    held = "(id) => Array.from(document.getElementById(id).files, (file) => file.name)"

    drop_files(page, "#native", [one])
    drop_files(page, "#nested", [two])
    drop_files(page, "#theirs", [one])
    drop_files(page, "#editor", [three])
    drop_files(page, "#nowhere", [four])
    drop_files(page, "#ours", [three])
    drop_files(page, "#zone", [four])

    expect_files(page, "three.txt", "four.txt")
    assert page.evaluate(held, "native") == ["one.txt"]
    assert page.evaluate(held, "nested") == ["two.txt"]
    assert page.evaluate("dropped") == [["theirs", "one.txt"], ["editor", "three.txt"]]
    assert "Shortest" in page.title()  # what was dropped on nothing didn't open


@pytest.mark.parametrize(("allowed", "operations"), [("move", 16), ("link", 2)])
def test_a_drag_that_may_not_copy_is_taken_as_what_it_may_be(
    page: Page, visit: Visit, files: Names, allowed: str, operations: int
) -> None:
    visit(address(OTHERS + ROWS))

    drop_files(page, "#zone", files("moved.txt"), operations=operations)

    expect_files(page, "moved.txt")


# -- Pastes

COMMENT = """
<form dj-submit="save" dj-upload-paste="docs">
  <textarea id="text"></textarea> <input id="line"> <div id="rich" contenteditable dj-ignore>…</div>
  <div id="editor" dj-ignore tabindex="0">Another's</div>
  <p id="beside" tabindex="0">No field</p>
</form>
"""
PASTE = """([target, texts, name]) => {
    const clipboard = new DataTransfer();
    for (const [type, text] of Object.entries(texts)) clipboard.setData(type, text);
    clipboard.items.add(new File(["picture"], name, { type: "image/png" }));
    const paste = new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true });
    document.querySelector(target).dispatchEvent(paste);
    return paste.defaultPrevented;
}"""
SHEET = {"text/plain": "a\tb", "text/html": "<table><tr><td>a<td>b</table>"}  # as Excel has it, with a picture


def test_text_is_pasted_as_text_and_pictures_as_files(page: Page, visit: Visit) -> None:
    visit(address(COMMENT + ROWS))

    def is_taken(target: str, texts: dict[str, str], name: str) -> Any:
        return page.evaluate(PASTE, [target, texts, name])

    for field in ("#text", "#line", "#rich"):
        assert not is_taken(field, SHEET, "sheet.png")
        assert is_taken(field, {}, f"shot of {field[1:]}.png")
    assert is_taken("#text", {"text/html": "<img src=x>"}, "copied.png")  # a browser's "Copy image"
    assert is_taken("#text", {"text/plain": "found.png"}, "found.png")  # a file manager's name of the file
    assert is_taken("#beside", SHEET, "beside.png")
    expect(page.locator("#rows .upload-name")).to_have_count(6)


def test_a_paste_that_another_script_has_taken_is_its_own(page: Page, visit: Visit) -> None:
    visit(address(COMMENT + ROWS))
    page.evaluate("""() => {
        document.getElementById("editor").addEventListener("paste", (e) => e.preventDefault());
    }""")

    page.evaluate(PASTE, ["#editor", {}, "theirs.png"])
    page.evaluate(PASTE, ["#beside", {}, "ours.png"])

    expect_files(page, "ours.png")


COVERED = """
<div dj-upload-paste="docs" dj-upload-drop="docs" dj-upload-anywhere id="zone">Here</div>
<dialog dj-ignore tabindex="0">A picture, large</dialog>
"""


def test_what_is_behind_an_open_dialog_takes_nothing(page: Page, visit: Visit, files: Names) -> None:
    visit(address(COVERED + ROWS))
    page.evaluate("document.querySelector('dialog').showModal()")

    page.evaluate(PASTE, ["dialog", {}, "pasted.png"])
    drop_files(page, "dialog", files("dropped.txt"))
    page.evaluate("document.querySelector('dialog').close()")
    page.evaluate(PASTE, ["body", {}, "after.png"])
    drop_files(page, "#saved", files("anywhere.txt"))

    expect_files(page, "after.png", "anywhere.txt")


# -- Buttons that say no type

TYPELESS = """
<form dj-submit="save">
  {% for entry in uploads.docs %}
    <p>{{ entry.client_name }}
      <button dj-upload-cancel="{{ entry.ref }}">Remove</button>
      <button dj-upload-pause="{{ entry.ref }}">Pause</button>
      <button dj-upload-retry="{{ entry.ref }}">Again</button></p>
  {% endfor %}
  <button dj-upload-start="docs">Start</button>
  <input type="file" multiple dj-upload="docs">
  <input id="line">
  <div dj-upload-progress="docs" id="rows">
    <template>
      <div><bdi class="upload-name" data-upload="name"></bdi> <button dj-upload-cancel="">Drop</button></div>
    </template>
  </div>
  <button id="save">Save</button>
</form>
"""


def test_a_button_without_a_type_does_what_it_says_and_sends_no_form(page: Page, visit: Visit, files: Names) -> None:
    visit(address(TYPELESS))
    page.set_input_files("input[type=file]", files("one.txt", "two.txt", "three.txt"))
    expect(page.locator("p", has_text="three.txt")).to_be_visible()

    page.locator("p", has_text="one.txt").get_by_role("button", name="Remove").click()
    expect_files(page, "two.txt", "three.txt")
    page.locator("#rows > div", has_text="two.txt").get_by_role("button", name="Drop").click()
    expect_files(page, "three.txt")
    for name in ("Pause", "Again", "Start"):
        page.get_by_role("button", name=name).first.click()
    expect_files(page, "three.txt")
    event(page, "save")  # counts like a form's, and comes after what the clicks would have sent

    expect(page.locator("#saved li")).to_have_count(1)


def test_enter_in_a_field_presses_none_of_them(page: Page, visit: Visit, files: Names) -> None:
    visit(address(TYPELESS))
    page.set_input_files("input[type=file]", files("one.txt"))
    expect(page.locator("p", has_text="one.txt")).to_be_visible()

    page.press("#line", "Enter")

    expect(page.locator("#saved li")).to_have_text(["one.txt"])


# -- Buttons that don't send the form to its handler

DIALOG = """
<dialog dj-ignore><form dj-submit="save">
  <button id="save">Save</button> <button formmethod="dialog" id="close">Close</button>
  <button formaction="/lab/plain/" id="other">Another page</button>
  <button formaction="/lab/plain/" name="_event" value="next" id="named">An event</button>
</form></dialog>
<p id="step">{{ step }}</p>
"""


def test_a_button_that_closes_a_dialog_or_names_another_address_is_the_browsers(page: Page, visit: Visit) -> None:
    visit(address(DIALOG))
    page.evaluate("document.querySelector('dialog').showModal()")

    page.click("#named")
    expect(page.locator("#step")).to_have_text("2")
    page.click("#close")
    expect(page.locator("dialog")).to_be_hidden()
    event(page, "save")
    expect(page.locator("#saved li")).to_have_count(1)
    page.evaluate("document.querySelector('dialog').showModal()")
    page.click("#other")

    page.wait_for_url("**/lab/plain/?*")
