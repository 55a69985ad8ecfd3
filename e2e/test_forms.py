"""A form is a form: the platform reads of a file input what its slot has, and HTML decides whose form it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import FilePayload, Page, Request, Route, WebSocketRoute, expect

from e2e.lab.pages import Visit, event, expect_connected, expect_failed, wait_for
from e2e.lab.shortest import address
from e2e.support.console import Console
from e2e.support.drag import drop_files
from e2e.support.proxy import FaultProxy
from liveview.tests.processes import until

pytest_plugins = ["e2e.lab.fixtures"]
pytestmark = pytest.mark.base("lab")

SLOW = 100_000  # bytes per second
BAD: FilePayload = {"name": "bad.exe", "mimeType": "", "buffer": b"MZ" + bytes(100)}
ROW = '<p><bdi data-upload="name"></bdi> <button type="button" dj-upload-cancel="">Remove</button></p>'
ERROR_ROW = '<p><span data-upload="status"></span> <button type="button" dj-upload-retry="">Try again</button></p>'
HELD = """(selector) => {
    const input = document.querySelector(selector);
    const sent = input.form ? new FormData(input.form).getAll(input.name) : [];
    const names = Array.from(input.files, (file) => file.name);
    return [names.join(" "), sent.map((file) => file.name).join(" "), input.checkValidity()];
}"""

Give = Callable[..., list[Path]]


@pytest.fixture
def files(tmp_path: Path) -> Give:
    """Text files of these names."""

    def files(*names: str, size: int = 0) -> list[Path]:
        for name in names:
            (tmp_path / name).write_text(f"This is {name}.".ljust(size))
        return [tmp_path / name for name in names]

    return files


def rows(slot: str) -> str:
    return f'<div dj-upload-progress="{slot}" id="rows"><template>{ROW}</template></div>'


def expect_rows(page: Page, *names: str, status: str = "complete") -> None:
    expect(page.locator("#rows bdi")).to_have_text(list(names))
    for row in page.locator("#rows > [data-ref]").all():
        expect(row).to_have_attribute("data-status", status)


def expect_held(page: Page, selector: str, names: str, *, valid: bool = True) -> None:
    """By an input: these files, for other scripts, for `new FormData(form)` and for validation."""
    expect(page.locator(selector)).to_have_js_property("files.length", len(names.split()))
    assert page.evaluate(HELD, selector) == [names, names, valid]
    expect(page.locator(f"{selector}:{'valid' if valid else 'invalid'}")).to_be_attached()


def expect_saved(page: Page, *saved: str) -> None:
    expect(page.locator("#saved li")).to_have_text(list(saved))


# -- What the platform reads

REQUIRED = f"""
<form dj-submit="save" id="form">
  <div dj-upload-drop="docs" dj-upload-paste="docs" id="zone" tabindex="0">
    <input type="file" name="docs" dj-upload="docs" id="docs" required>
  </div>
  {rows("docs")} <button id="save">Save</button>
</form>
"""


def test_a_required_input_is_satisfied_while_its_slot_has_a_good_file(page: Page, visit: Visit, files: Give) -> None:
    one, two, three = files("one.txt", "two.txt", "three.txt")
    visit(address(REQUIRED, docs={"max_entries": 3, "accept": ".txt"}))

    page.click("#save")
    expect_held(page, "#docs", "", valid=False)
    page.set_input_files("#docs", BAD)
    expect_rows(page, "bad.exe", status="error")
    expect_held(page, "#docs", "", valid=False)
    page.locator("#rows").get_by_role("button", name="Remove").click()
    page.set_input_files("#docs", one)
    expect_rows(page, "one.txt")
    expect_held(page, "#docs", "one.txt")
    page.locator("#rows").get_by_role("button", name="Remove").click()
    expect_held(page, "#docs", "", valid=False)
    page.click("#save")

    drop_files(page, "#zone", [two])
    expect_rows(page, "two.txt")
    expect_held(page, "#docs", "two.txt")
    page.set_input_files("#docs", [three, one])
    expect_rows(page, "two.txt", "three.txt", "one.txt")
    expect_held(page, "#docs", "two.txt three.txt one.txt")
    page.click("#save")
    expect_saved(page, "two.txt three.txt one.txt")
    expect_held(page, "#docs", "", valid=False)


def test_a_form_is_submitted_by_script_when_its_file_is_there(page: Page, visit: Visit, files: Give) -> None:
    """The file is valid from the first event on, also where the browser draws nothing, as in a tab behind another."""
    visit(address(REQUIRED))
    page.evaluate("window.requestAnimationFrame = () => 1")
    page.evaluate(
        """addEventListener("djust:upload:progress", ({ detail }) => {
            if (detail.status === "queued") document.querySelector("form").requestSubmit();
        })"""
    )

    drop_files(page, "#zone", files("dropped.txt"))

    expect_saved(page, "dropped.txt")
    expect_held(page, "#docs", "", valid=False)


EDIT = """([kept, added]) => {
    const input = document.querySelector("#docs");
    const transfer = new DataTransfer();
    for (const file of input.files) if (kept.includes(file.name)) transfer.items.add(file);
    for (const name of added) transfer.items.add(new File([name], name));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
}"""


def test_other_scripts_edit_what_an_input_holds(page: Page, visit: Visit, files: Give) -> None:
    visit(address(REQUIRED))
    page.set_input_files("#docs", files("one.txt", "two.txt"))
    expect_rows(page, "one.txt", "two.txt")

    page.evaluate(EDIT, [["two.txt"], ["three.txt"]])
    expect_rows(page, "two.txt", "three.txt")
    expect_held(page, "#docs", "two.txt three.txt")
    page.set_input_files("#docs", [])
    expect_rows(page)
    expect_held(page, "#docs", "", valid=False)


@pytest.mark.parametrize("skips", ["", "dj-upload-skip"])
def test_a_required_file_that_is_lost_while_its_form_waits_keeps_the_form(
    page: Page, visit: Visit, lab_proxy: FaultProxy, files: Give, skips: str
) -> None:
    """Taken back by the visitor or, at the end, refused by the server."""
    (picture,) = files("picture.png")
    markup = REQUIRED.replace('id="form"', f'id="form" {skips}')
    visit(lab_proxy.url + address(markup, docs={"accept": ".png" if skips else ""}))
    page.set_input_files("#docs", picture)  # loads what is loaded with the first file
    page.locator("#rows").get_by_role("button", name="Remove").click()
    lab_proxy.stall = True
    page.set_input_files("#docs", picture)
    expect(page.locator("#rows [data-ref]")).to_have_count(1)

    page.click("#save")
    expect(page.locator("#form")).to_have_attribute("aria-busy", "true")
    if not skips:
        page.locator("#rows").get_by_role("button", name="Remove").click()
    lab_proxy.stall = False

    expect(page.locator("#form")).not_to_have_attribute("aria-busy", "true")
    expect_held(page, "#docs", "", valid=False)
    expect_saved(page)


class Answers:
    """What the server says, held back until it is released."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._is_held = True
        self._held: list[Callable[[], None]] = []
        page.route_web_socket("**/live/", self._meet)

    def _meet(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: self._pass(lambda: socket.send(message)))

    def _pass(self, answer: Callable[[], None]) -> None:
        if self._is_held:
            self._held.append(answer)
        else:
            answer()

    def release(self) -> None:
        until(lambda: self._page.evaluate("1") and self._held)  # what was asked lets Playwright take in what arrived
        self._is_held = False
        while self._held:
            self._held.pop(0)()


def test_the_same_file_can_be_chosen_again(page: Page, console: Console, files: Give) -> None:
    """After it was saved, and while it is there: it may have changed. A picker that is dismissed changes nothing."""
    (one,) = files("one.txt")
    answers = Answers(page)
    page.goto(address(REQUIRED))
    page.wait_for_load_state("load")
    page.set_input_files("#docs", one)  # before the page is live
    assert page.evaluate(HELD, "#docs") == ["one.txt", "one.txt", True]
    answers.release()
    expect_rows(page, "one.txt")
    expect_held(page, "#docs", "one.txt")
    page.click("#save")
    expect_saved(page, "one.txt")

    page.set_input_files("#docs", one)
    expect_rows(page, "one.txt")
    one.write_text("This is one.txt, and more of it.")
    with page.expect_file_chooser() as chooser:
        page.click("#docs")
    chooser.value.set_files(one)
    expect_rows(page, "one.txt", "one.txt")
    with page.expect_file_chooser() as chooser:
        page.click("#docs")
    page.evaluate("""document.querySelector("#docs").dispatchEvent(new Event("cancel", { bubbles: true }))""")
    expect_held(page, "#docs", "one.txt one.txt")


@pytest.mark.parametrize("how", ["#inside", "#outside", "script"])
def test_a_reset_takes_back_what_was_chosen(
    page: Page, visit: Visit, lab_proxy: FaultProxy, files: Give, how: str
) -> None:
    """Complete, under way or refused; the files of other forms stay."""
    markup = f"""
    <form dj-submit="save" id="form">
      <input name="text"><input type="file" name="docs" dj-upload="docs" id="docs">
      {rows("docs")} <button id="save">Save</button> <button type="reset" id="inside">Reset</button>
    </form>
    <button type="reset" form="form" id="outside">Reset</button>
    <form><input type="file" dj-upload="other" id="other"></form>
    <ul id="entries">
      {{% for entry in uploads.docs %}}<li>{{% endfor %}} {{% for entry in uploads.other %}}<li>{{% endfor %}}
    </ul>
    """
    small, bad, large = *files("small.txt", "bad.exe"), *files("large.txt", size=2_000_000)
    visit(lab_proxy.url + address(markup, docs={"max_entries": 3, "accept": ".txt"}, other={}))
    page.set_input_files("#other", small)
    page.set_input_files("#docs", [small, bad])
    expect(page.locator("#rows [data-status=complete]")).to_have_count(1)
    expect(page.locator("#rows [data-status=error]")).to_have_count(1)
    lab_proxy.rate = SLOW
    page.set_input_files("#docs", large)
    expect(page.locator("#rows [data-status=uploading]")).to_have_count(1)
    page.fill("[name=text]", "typed")

    if how == "script":
        page.evaluate("document.querySelector('form').reset()")
    else:
        page.click(how)

    lab_proxy.rate = None
    expect_rows(page)
    expect(page.locator("[name=text]")).to_have_value("")
    expect_held(page, "#docs", "")
    expect(page.locator("#entries li")).to_have_count(1)
    expect(page.locator("#other")).to_have_js_property("files.length", 1)
    page.click("#save")
    expect_saved(page, "small.txt")  # the handler consumes both slots


def test_a_reset_takes_back_what_was_chosen_before_the_module_of_forms_was_there(
    page: Page, visit: Visit, files: Give
) -> None:
    held: list[Route] = []
    page.route("**/uploads/forms.js", lambda route: held.append(route))
    visit(address(f'<form id="form"><input type="file" dj-upload="docs" id="docs"></form> {rows("docs")}'))
    one, two = files("one.txt", "two.txt")
    page.set_input_files("#docs", one)
    page.evaluate("document.querySelector('form').reset()")
    page.set_input_files("#docs", two)

    held[0].continue_()

    expect_rows(page, "two.txt")


def test_a_slot_whose_module_never_comes_holds_no_other_back(
    page: Page, visit: Visit, console: Console, files: Give
) -> None:
    console.expect("Failed to load|net::ERR")
    page.route("**/uploads/resuming.js", lambda route: route.abort())
    slots = "".join(f'<input type="file" dj-upload="{slot}" id="{slot}">' for slot in ("resumed", "docs"))
    resumed = '<div dj-upload-progress="resumed" id="resumed-rows"></div>'
    options: dict[str, dict[str, Any]] = {"resumed": {"resumable": True}, "docs": {}}
    visit(address(slots + resumed + rows("docs"), **options))
    one = files("one.txt")
    for slot in options:
        page.set_input_files(f"#{slot}", one)

    expect_rows(page, "one.txt")  # of the plain one
    expect(page.locator("#resumed-rows [data-status=complete]")).to_have_count(1, timeout=60_000)


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_view_that_takes_no_uploads_leaves_a_file_to_its_form(
    page: Page, console: Console, files: Give, method: str
) -> None:
    console.expect("dj-upload")  # with DEBUG the developer is told
    form = f"""<form dj-submit="save" method="{method}" enctype="multipart/form-data">
      <input type="hidden" name="csrfmiddlewaretoken" value="{{{{ csrf_token }}}}">
      <input type="file" name="docs" dj-upload="docs" id="docs"> <button id="save">Save</button></form>"""
    page.route("**/*", refuse_uploads)  # else Chromium doesn't tell what is posted
    page.goto("/lab/without-slots/?" + urlencode({"markup": form}))
    page.set_input_files("#docs", files("one.txt"))

    if method == "get":
        expect(page.locator(".flash")).to_contain_text("This page doesn't accept that upload.")
        page.click("#save")
        expect_saved(page, "nothing")
    else:
        expect(page.locator(".flash")).to_contain_text("The file is sent with its form")
        with page.expect_request(lambda request: request.is_navigation_request()) as sent:
            page.click("#save")
        assert b'filename="one.txt"' in posted(sent.value)


PENDING = f"""
<form dj-submit="save" id="form-{{{{ step }}}}">
  <input type="file" dj-upload="docs" id="docs" dj-form-pending="disabled"> {rows("docs")}
  <button id="save">Save</button>
</form>
<button id="next" dj-click="next">Next</button>
"""


def test_a_file_that_is_chosen_early_is_taken_though_the_waiting_form_disables_its_input(
    page: Page, console: Console, files: Give
) -> None:
    answers = Answers(page)
    page.goto(address(PENDING))
    page.wait_for_load_state("load")
    page.set_input_files("#docs", files("one.txt"))

    page.click("#save")
    expect(page.locator("#docs")).to_be_disabled()
    answers.release()

    expect_saved(page, "one.txt")


DISABLED = f"""
<form dj-submit="next" id="form">
  <fieldset id="fieldset" {{% if step == 1 %}}disabled{{% endif %}}>
    <div dj-upload-drop="docs" dj-upload-paste="docs" id="zone" tabindex="0">
      Here <input type="file" name="docs" dj-upload="docs" id="docs" required>
    </div>
  </fieldset>
  {rows("docs")} <button id="save">Next</button>
</form>
<div dj-upload-drop="docs" id="far">A zone of the same input</div>
"""
PASTE = """([selector, name]) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(["pasted"], name));
    const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    document.querySelector(selector).dispatchEvent(paste);
}"""


def test_a_disabled_slot_takes_nothing(page: Page, visit: Visit, lab_proxy: FaultProxy, files: Give) -> None:
    """What is under way when its input is disabled goes on, and its form waits for it."""
    one, two = *files("one.txt"), *files("two.txt", size=1_000_000)
    visit(lab_proxy.url + address(DISABLED))

    for _ in range(2):
        drop_files(page, "#zone", [one])
        drop_files(page, "#far", [one])
        page.evaluate(PASTE, ["#zone", "pasted.txt"])
        expect(page.locator(".upload-dragover")).to_have_count(0)
        page.evaluate("liveview.call('').catch(() => {})")  # whatever was registered has been answered
        expect_rows(page)
        page.evaluate("""document.querySelector("#fieldset").disabled = false;
                         document.querySelector("#docs").disabled = true""")
    page.evaluate("document.querySelector('#docs').disabled = false")

    lab_proxy.rate = SLOW
    drop_files(page, "#far", [two])
    expect_rows(page, "two.txt", status="uploading")
    page.evaluate("document.querySelector('#docs').disabled = true")
    page.click("#save")
    expect(page.locator("form")).to_have_attribute("aria-busy", "true")
    lab_proxy.rate = None
    expect(page.locator("form")).not_to_have_attribute("aria-busy", "true")
    expect_rows(page, "two.txt")


# -- Whose form it is

APART = f"""
<form dj-submit="save" id="form"><button id="save">Save</button></form>
<form id="around"><input type="file" form="form" name="docs" dj-upload="docs" id="docs" required></form>
{rows("docs")}
"""
WIZARD = f"""
<form {{% if step < 3 %}}dj-submit="next" id="form"{{% else %}}dj-submit="save" id="last"{{% endif %}}>
  {{% if step == 1 %}}<input type="file" name="docs" dj-upload="docs" id="docs">{{% endif %}}
  {rows("docs")} <button id="save">Save</button> <button type="button" dj-click="next" id="next">Next</button>
</form>
"""


@pytest.mark.parametrize("auto", [True, False])
def test_an_input_elsewhere_is_of_the_form_that_it_names(
    page: Page, visit: Visit, lab_proxy: FaultProxy, files: Give, auto: bool
) -> None:
    (one,) = files("one.txt", size=1_000_000)
    visit(lab_proxy.url + address(APART, docs={"auto_upload": auto}))
    lab_proxy.rate = SLOW
    page.set_input_files("#docs", one)
    expect(page.locator("#rows bdi")).to_have_count(1)

    page.click("#save")
    expect_rows(page, "one.txt", status="uploading")
    expect(page.locator("#form")).to_have_attribute("aria-busy", "true")
    lab_proxy.rate = None

    expect_saved(page, "one.txt")


def test_a_form_waits_for_a_file_whose_input_or_form_is_gone(
    page: Page, visit: Visit, lab_proxy: FaultProxy, files: Give
) -> None:
    (one,) = files("one.txt", size=1_500_000)
    visit(lab_proxy.url + address(WIZARD))
    lab_proxy.rate = SLOW
    page.set_input_files("#docs", one)
    expect_rows(page, "one.txt", status="uploading")

    page.click("#next")
    expect(page.locator("#docs")).to_have_count(0)
    page.click("#save")
    expect(page.locator("#form")).to_have_attribute("aria-busy", "true")
    expect_rows(page, "one.txt", status="uploading")
    page.click("#next")
    expect(page.locator("#last")).to_be_attached()
    page.click("#save")
    expect(page.locator("#last")).to_have_attribute("aria-busy", "true")
    lab_proxy.rate = None

    expect_saved(page, "one.txt")


def test_a_form_that_waits_still_waits_when_a_render_puts_another_in_its_place(
    page: Page, visit: Visit, lab_proxy: FaultProxy, files: Give
) -> None:
    visit(lab_proxy.url + address(PENDING))
    lab_proxy.rate = SLOW
    page.set_input_files("#docs", files("one.txt", size=1_000_000))
    expect_rows(page, "one.txt", status="uploading")
    page.click("#save")
    expect(page.locator("#form-1")).to_have_attribute("aria-busy", "true")

    page.click("#next")
    expect(page.locator("#form-2")).to_be_attached()
    lab_proxy.rate = None

    expect_saved(page, "one.txt")


FOREIGN = """<form dj-submit="note"><input name="text" value="hello"><button id="say">Say</button></form>"""
PAGE_WIDE = f"""
<div dj-upload-drop="docs" id="zone">
  {FOREIGN}
  <form dj-submit="save" id="form">%s<button id="save">Save</button></form>
</div>
"""


@pytest.mark.parametrize(
    "part",
    [
        '<input type="file" name="docs" dj-upload="docs">' + rows("docs"),
        rows("docs"),
        '<button dj-upload-start="docs">Send</button>',
        '{% for entry in uploads.docs %}<button dj-upload-cancel="{{ entry.ref }}">Remove</button>{% endfor %}',
    ],
    ids=["input", "rows", "button", "entries"],
)
def test_a_zone_around_forms_is_of_the_one_that_shows_its_slot(
    page: Page, visit: Visit, lab_proxy: FaultProxy, files: Give, part: str
) -> None:
    bad, one = *files("bad.exe"), *files("one.txt", size=1_000_000)
    visit(lab_proxy.url + address(PAGE_WIDE % part, docs={"max_entries": 3, "accept": ".txt"}))
    page.evaluate(SEEN)
    drop_files(page, "#say", [bad])
    wait_for(page, "seen.has('error')")
    lab_proxy.rate = SLOW
    drop_files(page, "#say", [one])
    wait_for(page, "seen.has('uploading')")

    page.click("#say")
    expect_saved(page, "hello")
    page.click("#save")
    page.click("#say")
    expect_saved(page, "hello", "hello")
    lab_proxy.rate = None
    wait_for(page, "seen.has('complete')")
    page.evaluate("document.querySelector('#form').setAttribute('dj-upload-skip', '')")
    page.click("#save")

    expect_saved(page, "hello", "hello", "one.txt")


SEEN = """() => {
    window.seen = new Set();
    addEventListener("djust:upload:progress", ({ detail }) => seen.add(detail.status));
}"""


def test_each_of_two_forms_on_one_slot_has_its_own_files(page: Page, visit: Visit, files: Give) -> None:
    form = (
        '<form dj-submit="save" id="{0}"><input type="file" name="docs" dj-upload="docs" id="in-{0}" required></form>'
    )
    one, two, three = files("one.txt", "two.txt", "three.txt")
    zone = '<div dj-upload-drop="docs" id="zone">%s</div>'
    visit(address(form.format("a") + zone % form.format("b") + rows("docs")))

    page.set_input_files("#in-a", one)
    page.set_input_files("#in-b", two)
    drop_files(page, "#zone", [three])
    expect_rows(page, "one.txt", "two.txt", "three.txt")

    expect_held(page, "#in-a", "one.txt")
    expect_held(page, "#in-b", "two.txt three.txt")
    page.evaluate("document.querySelector('#a').reset()")
    expect_rows(page, "two.txt", "three.txt")


# -- What the browser sends and keeps

POSTED = f"""
<form dj-submit="save" method="post" enctype="multipart/form-data">
  <input type="hidden" name="csrfmiddlewaretoken" value="{{{{ csrf_token }}}}">
  <input type="file" name="docs" dj-upload="docs" id="docs"> {rows("docs")} <button id="save">Save</button>
</form>
"""


def refuse_uploads(route: Route) -> None:
    """As a site without the HTTP ways in does."""
    if "x-upload" in route.request.headers:
        route.fulfill(status=404)
    else:
        route.fallback()


FALLBACK = "window[Symbol.for('liveview')].fallback?.fallback"


def posted(request: Request) -> bytes:
    assert request.method == "POST"
    return request.post_data_buffer or b""


def test_a_native_post_brings_what_was_not_saved_and_nothing_twice(
    page: Page, visit: Visit, console: Console, files: Give
) -> None:
    console.expect("WebSocket|Failed to load resource|config")
    one, two = files("one.txt", "two.txt")
    page.route("**/*", refuse_uploads)
    visit(address(POSTED))
    page.set_input_files("#docs", one)
    expect_rows(page, "one.txt")
    page.click("#save")
    expect_saved(page, "one.txt")
    page.set_input_files("#docs", two)
    expect_rows(page, "two.txt")

    page.route_web_socket("**/live/", lambda socket: socket.close())
    page.evaluate("liveview.connection.rest('failed')")
    expect_failed(page)
    wait_for(page, FALLBACK)
    page.evaluate(f"() => {FALLBACK}.config")  # which has answered that there is none
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    with page.expect_request(lambda request: request.is_navigation_request()) as sent:
        page.click("#save")

    assert b"two.txt" in posted(sent.value)
    assert b"one.txt" not in posted(sent.value)
    expect_saved(page, "two.txt")
    assert not asked, "whoever saves isn't asked whether to leave"


def test_a_form_that_is_posted_without_a_socket_names_what_the_server_has(
    page: Page, visit: Visit, console: Console, files: Give
) -> None:
    console.expect("WebSocket")
    visit(address(POSTED))
    page.set_input_files("#docs", files("one.txt"))
    expect_rows(page, "one.txt")
    page.route_web_socket("**/live/", lambda socket: socket.close())
    page.evaluate("liveview.connection.rest('failed')")
    expect(page.locator("html.live-fallback")).to_be_attached()
    expect_rows(page, "one.txt")

    with page.expect_request(lambda request: request.is_navigation_request()) as sent:
        page.evaluate("document.querySelector('form').submit()")  # no script of ours is asked

    assert b"This is one.txt." not in posted(sent.value)
    expect_saved(page, "one.txt")


def test_what_the_browser_gives_back_is_taken_once(page: Page, visit: Visit, files: Give) -> None:
    """A page that is left and returned to: the browser fills its fields and its file inputs again."""
    (one,) = files("one.txt")
    visit(address(POSTED))
    page.set_input_files("#docs", one)
    expect_rows(page, "one.txt")

    page.goto("/lab/plain/")
    page.go_back()
    expect_connected(page)

    expect_rows(page, "one.txt")
    page.click("#save")
    expect_saved(page, "one.txt")
    page.goto("/lab/plain/")
    page.go_back()
    expect_connected(page)
    expect_held(page, "#docs", "")
    event(page, "save")
    expect_saved(page, "nothing")
