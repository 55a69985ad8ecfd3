"""A refused file, in every markup that the docs show: it can be removed, tried again or replaced right there."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from e2e.lab.pages import Visit
from e2e.lab.shortest import address
from e2e.support.console import Console

pytest_plugins = ["e2e.lab.fixtures"]

EMPTY: FilePayload = {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""}
BARE: FilePayload = {"name": "bare.txt", "mimeType": "text/plain", "buffer": b""}
GOOD: FilePayload = {"name": "good.txt", "mimeType": "text/plain", "buffer": b"good"}
BETTER: FilePayload = {"name": "better.txt", "mimeType": "text/plain", "buffer": b"better"}

INPUT = '<input type="file" dj-upload="docs">'
BAR = '<progress dj-upload-progress="docs" max="100" value="0"></progress>'
ROWS = '<div dj-upload-progress="docs" id="rows"></div>'
OWN_ROWS = '<div dj-upload-progress="docs"><template><p data-upload="name"></p></template></div>'
ERRORS = """<div dj-upload-errors="docs">{% for entry in uploads.docs.errors %}
<p class="own"><bdi>{{ entry.client_name }}</bdi>: {{ entry.error }}</p>{% endfor %}</div>"""

MARKUPS = {
    "an input": INPUT,
    "a bar": INPUT + BAR,
    "rows": INPUT + ROWS,
    "rows of its own without a button": INPUT + OWN_ROWS,
    "errors of its own without a button": INPUT + ERRORS,
    "errors and rows of its own": INPUT + OWN_ROWS + ERRORS,
    "a zone": f'<div dj-upload-drop="docs">{INPUT}</div>',
    "an input in a label": f"<label>Choose {INPUT}</label>",
}
SLOTS: dict[str, dict[str, Any]] = {
    "one": {"max_entries": 1},
    "several": {"max_entries": 3},
    "several, sent with the form": {"max_entries": 3, "auto_upload": False},
}


def form(markup: str) -> str:
    return f'<form dj-submit="save">{markup}<button id="save">Save</button></form>'


def line(page: Page, name: str) -> Locator:
    """What there is to press about a file."""
    return page.locator("form p, form .upload-progress").filter(has_text=name).filter(has=page.get_by_role("button"))


@pytest.mark.parametrize(
    ("markup", "slot"),
    [
        *((markup, "several") for markup in MARKUPS),
        ("a bar", "one"),
        ("errors of its own without a button", "one"),
        ("rows", "several, sent with the form"),
    ],
)
def test_a_refused_file_can_be_removed_and_the_form_goes(page: Page, visit: Visit, markup: str, slot: str) -> None:
    visit(address(form(MARKUPS[markup]), docs=SLOTS[slot]))
    one = SLOTS[slot]["max_entries"] == 1
    page.set_input_files("input", [EMPTY] if one else [EMPTY, GOOD])
    expect(page.get_by_text("This file is empty.").first).to_be_visible()

    page.click("#save")
    expect(line(page, "empty.txt").first).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    line(page, "empty.txt").get_by_role("button", name="Remove").first.click()
    expect(page.locator("form").get_by_text("empty.txt")).to_have_count(0)
    page.click("#save")

    expect(page.locator("#saved li")).to_have_text(["nothing" if one else "good.txt"])


def test_what_the_press_was_stopped_by_has_the_focus(page: Page, visit: Visit) -> None:
    visit(address(form(INPUT + ROWS)))
    page.set_input_files("input", [EMPTY, GOOD])
    expect(page.locator("#rows > [data-status=error]")).to_have_count(1)

    page.click("#save")
    expect(page.locator(":focus")).to_have_text("Remove")
    page.keyboard.press("Enter")
    page.click("#save")

    expect(page.locator("#saved li")).to_have_text(["good.txt"])


@pytest.mark.parametrize("markup", ["rows", "an input"])
def test_what_found_no_place_is_tried_again_when_there_is_one(page: Page, visit: Visit, markup: str) -> None:
    visit(address(form(MARKUPS[markup] + BUTTONS), docs={"max_entries": 2}))
    page.set_input_files("input", [GOOD, BETTER])
    page.set_input_files("input", [{**GOOD, "name": "late.txt"}])
    expect(page.get_by_text("Only 2 files can be uploaded at a time.").first).to_be_visible()

    page.get_by_role("button", name="Take good.txt away").click()
    line(page, "late.txt").get_by_role("button", name="Try again").first.click()
    expect(page.get_by_text("Only 2")).to_have_count(0)
    page.click("#save")

    expect(page.locator("#saved li")).to_have_text(["better.txt late.txt"])


BUTTONS = """{% for entry in uploads.docs %}
<i><button dj-upload-cancel="{{ entry.ref }}">Take {{ entry.client_name }} away</button></i>{% endfor %}"""


def test_many_refused_files_are_removed_at_once(page: Page, visit: Visit) -> None:
    visit(address(form(INPUT), docs={"max_entries": 9}))
    page.set_input_files("input", [GOOD, *({**EMPTY, "name": f"empty {n}.txt"} for n in range(5))])
    expect(page.get_by_role("alert").get_by_text("This file is empty.")).to_have_count(5)

    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.click("#save")

    expect(page.locator("#saved li")).to_have_text(["good.txt"])


def test_the_next_file_takes_the_place_of_a_refused_one(page: Page, visit: Visit) -> None:
    visit(address(form(INPUT + BAR), docs={"max_entries": 1}))
    page.set_input_files("input", [EMPTY])
    expect(page.get_by_role("alert")).to_contain_text("empty.txt")

    page.set_input_files("input", [GOOD])
    expect(page.get_by_role("alert")).to_have_count(0)
    page.click("#save")

    expect(page.locator("#saved li")).to_have_text(["good.txt"])


@pytest.mark.base("lab")
def test_without_a_socket_it_is_the_same(page: Page, console: Console) -> None:
    console.expect("WebSocket|status of 4")
    page.route_web_socket("**/live/", lambda socket: socket.close())
    page.add_init_script("""addEventListener("DOMContentLoaded", () => liveview.connection.become("failed"));""")
    native = form(INPUT + ERRORS).replace("<form", '<form method="post"') + BAR
    page.goto(address(native))
    expect(page.locator("html.live-fallback")).to_be_attached()
    page.set_input_files("input", [EMPTY, GOOD])

    line(page, "empty.txt").get_by_role("button", name="Remove").first.click()

    expect(page.locator("form").get_by_text("empty.txt")).to_have_count(0)
    expect(page.locator("progress")).to_have_js_property("value", 100)


@pytest.mark.parametrize(("markup", "kind"), [("rows", GOOD), ("an input", EMPTY)])
def test_the_keyboard_keeps_its_place(page: Page, visit: Visit, markup: str, kind: FilePayload) -> None:
    """When a file comes, and when the one goes whose button was pressed."""
    given: list[FilePayload] = [{**kind, "name": f"{name}.txt"} for name in ("one", "two", "three")]
    visit(address(form(MARKUPS[markup]), docs={"max_entries": 9}))
    page.set_input_files("input", given[:2])
    remove = {one["name"]: line(page, one["name"]).get_by_role("button", name="Remove") for one in given}
    remove["one.txt"].focus()

    page.set_input_files("input", given[2:])
    expect(remove["three.txt"]).to_be_visible()
    expect(remove["one.txt"]).to_be_focused()
    page.keyboard.press("Enter")
    expect(remove["one.txt"]).to_have_count(0)
    expect(remove["two.txt"]).to_be_focused()


# -- Previews

COUNT = """
    window.made = 0;
    const { createElement } = Document.prototype;
    Document.prototype.createElement = function (name) {
        made += name === "img";
        return createElement.call(this, name);
    };
"""


def test_a_picture_that_the_browser_can_not_show_is_tried_once(page: Page, visit: Visit) -> None:
    page.add_init_script(COUNT)
    preview = '<div dj-upload-preview="docs" id="preview"></div>'
    slow = f'{preview}<div dj-upload-progress="docs"><template><p><i data-upload="preview"></i></p></template></div>'
    visit(address(form(INPUT + slow + ROWS), docs={"max_entries": 3}))

    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"  # what the server knows the kind by
    page.set_input_files("input", [{"name": "photo.heic", "mimeType": "image/heic", "buffer": head}])
    expect(page.locator("#rows > [data-status=complete]")).to_have_count(1)
    expect(page.locator("#preview img")).to_have_count(0)
    for _ in range(3):
        page.set_input_files("input", [GOOD])  # draws again

    expect(page.locator("#rows > *")).to_have_count(4)
    assert page.evaluate("made") == 2  # one for the preview, one for the row
