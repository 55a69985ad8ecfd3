"""What is told while a dialog is open is above it, and can be used; and the focus is never lost with what had it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from e2e.lab.pages import Visit, event, expect_failed
from e2e.lab.shortest import address

pytest_plugins = ["e2e.lab.fixtures"]
pytestmark = pytest.mark.base("lab")

BAD: FilePayload = {"name": "bad.exe", "mimeType": "", "buffer": b"MZ" + bytes(100)}
DIALOGS = """
<form dj-submit="save"><input type="file" dj-upload="docs" id="docs"></form>
<dialog id="first"><button>First</button></dialog>
<dialog id="second"><button>Second</button></dialog>
"""
IS_ON_TOP = """(element) => {
  const { left, top, width, height } = element.getBoundingClientRect();
  return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}"""


def expect_on_top(page: Page, selector: str, *, within: str) -> None:
    """Above everything, and not inert."""
    element = page.locator(f"{within} {selector}")
    expect(element).to_be_visible()
    assert element.evaluate(IS_ON_TOP)


def test_messages_the_banner_and_errors_are_above_an_open_dialog(page: Page, visit: Visit) -> None:
    visit(address(DIALOGS, docs={"accept": ".txt"}))
    event(page, "say", text="Before", level="error")  # which stays
    page.evaluate("document.querySelector('#first').showModal()")
    expect_on_top(page, ".flash", within="#first")

    page.evaluate(
        """() => {
          const dialog = document.querySelector("#second");
          Object.assign(dialog.style, { transform: "scale(1)", overflow: "hidden" }); // which hides all but popovers
          dialog.showModal();
        }"""
    )
    event(page, "say", text="After", level="error")
    page.locator("#second .flash", has_text="Before").get_by_role("button", name="Dismiss").click()
    page.set_input_files("#docs", [BAD])
    expect_on_top(page, ".upload-errors", within="#second")
    page.evaluate("liveview.connection.rest('failed')")
    expect_failed(page)
    expect_on_top(page, ".live-banner", within="#second")

    page.evaluate("document.querySelector('#second').close()")
    expect_on_top(page, ".flash", within="#first")
    page.evaluate("document.querySelector('#first').remove()")
    expect_on_top(page, ".flash", within="body > .flashes")
    expect_on_top(page, ".upload-errors", within="#docs +")
    expect_on_top(page, ".live-banner", within="body >")


LISTS = """
<button id="before">Before</button>
{% if step < 3 %}<ul>
  {% if step == 1 %}<li id="one"><i>T</i> <button dj-click="next" class="delete">Delete</button></li>{% endif %}
  <li id="two"><a href="#y">T</a> <button dj-click="next" class="delete">Delete</button></li>
</ul>{% endif %}
<button id="after">After</button>
"""


def test_the_focus_goes_to_what_is_near_when_its_element_is_removed(page: Page, visit: Visit) -> None:
    visit(address(LISTS))

    page.locator("#one .delete").focus()
    page.evaluate("import('/static/liveview/refocus.js')")  # nobody presses as fast as it comes
    page.keyboard.press("Enter")
    expect(page.locator("#one")).to_have_count(0)
    expect(page.locator("#two .delete")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#before")).to_be_focused()


def test_the_focus_goes_to_the_input_when_the_only_row_of_a_list_is_removed(
    page: Page, visit: Visit, tmp_path: Path
) -> None:
    visit(
        address(
            '<form><input type="file" dj-upload="docs" id="docs"><div dj-upload-progress="docs" id="rows"></div></form>'
        )
    )
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(name)
    page.set_input_files("#docs", [tmp_path / "one.txt", tmp_path / "two.txt"])
    expect(page.locator("#rows [data-status=complete]")).to_have_count(2)

    page.locator("#rows [dj-upload-cancel]").first.press("Enter")
    expect(page.locator("#rows [dj-upload-cancel]")).to_have_count(1)
    expect(page.locator("#rows [dj-upload-cancel]")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#docs")).to_be_focused()


LEFT = """
<button id="opener">Open</button>
<p id="hiding"><button id="gone" dj-click="next">Gone</button> <button id="beside">Beside</button></p>
<dialog id="box"><button id="closer">Close</button></dialog>
<ul id="list"><li><input id="typed"></li><li id="other"><input><button>Remove</button></li></ul>
<p id="same" data-ref="7"><button>Remove</button></p>
<button id="last">Last</button>
"""

FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_the_focus_is_not_lost_with_what_is_hidden_closed_or_dismissed(page: Page, visit: Visit) -> None:
    visit(address(LEFT))

    page.focus("#gone")
    page.evaluate("document.querySelector('#gone').style.display = 'none'")  # by a style, not by a render
    expect(page.locator("#beside")).to_be_focused()

    page.evaluate("document.querySelector('#list').style.display = 'contents'")  # it has no box of its own
    page.focus("#typed")
    page.evaluate("document.querySelector('#typed').closest('li').remove()")
    expect(page.locator("#other")).to_be_focused()  # and not its field, into which one would type on
    page.evaluate("document.querySelector('#other').setAttribute('data-ref', '7')")
    page.focus("#other button")
    page.evaluate("document.querySelector('#other button').style.visibility = 'hidden'")
    expect(page.locator("#same button")).to_be_focused()

    page.focus("#opener")
    page.evaluate("document.querySelector('#box').showModal()")
    expect(page.locator("#closer")).to_be_focused()
    page.evaluate("document.querySelector('#box').remove()")  # which, unlike close(), leaves the focus nowhere
    expect(page.locator("#opener")).to_be_focused()

    event(page, "say", text="Sorry", level="error")
    page.locator(".flash").get_by_role("button", name="Dismiss").press("Enter")
    expect(page.locator("#opener")).to_be_focused()

    page.locator("h1, body").first.click(position={"x": 1, "y": 1})  # the visitor leaves it
    page.evaluate(FRAMES)
    page.evaluate("document.querySelector('#opener').remove()")
    page.evaluate(FRAMES)
    assert page.evaluate("document.activeElement === document.body")
