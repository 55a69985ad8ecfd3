"""Modules that a page loads when it needs them: what can't be had is tried again, and nothing waits for a reload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from e2e.lab.pages import Visit, event
from e2e.lab.shortest import address
from e2e.support.console import Console
from e2e.support.drag import drop_files
from e2e.support.proxy import FaultProxy

pytest_plugins = ["e2e.lab.fixtures"]

LONG = 90_000  # ms
SAYS = "Part of this page couldn't be loaded. Trying again automatically…"
BANNER = ".live-banner"
SLOW = 50_000  # bytes per second

SLOTS = {
    "docs": {"max_entries": 9},
    "kept": {"max_entries": 9, "resumable": True, "resumable_store": "memory"},
    "safe": {"max_entries": 9, "verify": True},
}
ROWS = "".join(
    f'<form dj-submit="save"><input type="file" dj-upload="{slot}" id="{slot}"><div dj-upload-drop="{slot}" '
    f'id="zone-{slot}">Drop</div><div dj-upload-progress="{slot}" id="rows-{slot}"></div></form>'
    for slot in SLOTS
)


class Lift:
    """A network that loses the first requests for each of these modules, as a phone's in a lift does."""

    def __init__(self, page: Page, console: Console) -> None:
        console.expect("ERR_FAILED")
        self.lost: set[str] = set()
        self._page = page

    def loses(self, *modules: str, times: int = 1) -> None:
        for module in modules:
            self._page.route(f"**/{module}.js", self._lose, times=times)

    def _lose(self, route: Route) -> None:
        self.lost.add(Path(route.request.url).stem)
        route.abort()


@pytest.fixture
def lift(page: Page, console: Console) -> Iterator[Lift]:
    yield Lift(page, console)
    page.unroute_all(behavior="ignoreErrors")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "book.txt").write_bytes(b"Once upon a time. " * 20_000)
    return tmp_path / "book.txt"


def rows(slot: str) -> str:
    return f"#rows-{slot} .upload-progress"


def test_what_is_chosen_is_sent_when_the_modules_for_it_are_there(
    page: Page, visit: Visit, lift: Lift, book: Path, tmp_path: Path
) -> None:
    modules = {"rows", "errors", "announcements", "resuming", "resume_store", "frames", "folders"}
    lift.loses(*modules)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("Dear Ada")
    visit(address(ROWS, **SLOTS))

    for slot in SLOTS:
        page.set_input_files(f"#{slot}", book)
    drop_files(page, "#zone-docs", [tmp_path / "papers"])
    page.set_input_files("#docs", [{"name": "empty.txt", "mimeType": "", "buffer": b""}])

    for slot in SLOTS:
        expect(page.locator(rows(slot), has_text="book.txt")).to_have_attribute("data-status", "complete")
    expect(page.locator(rows("docs"), has_text="letter.txt")).to_have_attribute("data-status", "complete")
    expect(page.get_by_role("alert")).to_contain_text("empty.txt")
    expect(page.get_by_role("status").filter(has_text="book.txt: uploaded.")).to_be_attached()
    assert lift.lost == modules
    expect(page.locator(BANNER)).to_have_text("")


def test_the_page_says_what_is_missing_until_it_is_there(page: Page, visit: Visit, lift: Lift, book: Path) -> None:
    lift.loses("rows", times=3)
    lift.loses("flash")
    visit(address(ROWS, **SLOTS))

    page.set_input_files("#docs", book)
    expect(page.locator(BANNER)).to_have_text(SAYS)
    expect(page.locator(BANNER)).to_be_visible()
    for _ in range(3):
        page.evaluate("dispatchEvent(new Event('online'))")  # it isn't waited for longer than the network is away
    expect(page.locator(rows("docs"))).to_have_count(1)
    expect(page.locator(BANNER)).to_be_hidden()
    event(page, "say", text="Hello")

    expect(page.locator(".flash")).to_contain_text("Hello")


def test_a_reconnect_without_its_module_loses_nothing(
    page: Page, visit: Visit, lift: Lift, lab_proxy: FaultProxy, book: Path, console: Console
) -> None:
    console.expect("WebSocket")
    lift.loses("unreadable")
    visit(f"{lab_proxy.url}{address(ROWS, **SLOTS)}")
    lab_proxy.rate = SLOW
    page.set_input_files("#docs", book)
    expect(page.locator(rows("docs"))).to_have_attribute("data-status", "uploading")
    lab_proxy.cut()
    lab_proxy.rate = None

    expect(page.locator(rows("docs"))).to_have_attribute("data-status", "complete", timeout=LONG)
    assert lift.lost == {"unreadable"}


def test_a_click_waits_for_a_file_whose_module_is_late(page: Page, visit: Visit, book: Path) -> None:
    held: list[Route] = []
    page.route("**/forms.js", lambda route: held.append(route))
    button = '<button dj-click="save" dj-upload-wait="docs" id="save">Save</button>'
    visit(address(ROWS + button, **SLOTS))
    with page.expect_request("**/forms.js"):
        page.set_input_files("#docs", book)

    page.click("#save")
    event(page, "next")  # what the click would have sent is before it
    expect(page.locator("#saved li")).to_have_count(0)
    for route in held:
        route.fallback()

    expect(page.locator("#saved li")).to_have_text(["book.txt"])


@pytest.mark.base("lab")
def test_a_page_without_a_socket_gets_its_other_way_late_and_not_never(
    page: Page, lift: Lift, book: Path, console: Console
) -> None:
    console.expect("WebSocket")
    modules = {"fallback", "external", "transmit", "flash", "unreadable"}
    lift.loses(*modules)

    def refuse(socket: WebSocketRoute) -> None:
        socket.close()

    page.route_web_socket("**/live/", refuse)
    page.add_init_script("""addEventListener("DOMContentLoaded", () => liveview.connection.become("failed"));""")
    page.goto(address(ROWS, **SLOTS))
    expect(page.locator("html.live-fallback")).to_be_attached()

    page.set_input_files("#docs", book)

    expect(page.locator(rows("docs"))).to_have_attribute("data-status", "complete", timeout=LONG)
    assert lift.lost == modules


def test_a_direct_upload_waits_for_its_module(page: Page, visit: Visit, lift: Lift, book: Path) -> None:
    lift.loses("external")
    visit("/lab/direct/")

    page.set_input_files("#own", book)

    expect(page.locator("#owned")).to_contain_text("rejected")  # asked for an uploader that the page hasn't got
    assert lift.lost == {"external"}


FIREFOX = """async () => {
    // What Firefox answers for ever when a module could not be loaded once.
    const { load } = await import("/static/liveview/load.js");
    const remembers = (name) => () => Promise.reject(
        new TypeError(`error loading dynamically imported module: ${location.origin}/static/uploads/${name}.js`),
        "./folders.js",
    );
    const [one, two] = await Promise.all([load(remembers("folders")), load(remembers("folders"))]);
    const three = await load(remembers("folders"));
    return [typeof one.filesIn, one === two, two === three];
}"""


def test_a_browser_that_remembers_a_failure_is_asked_for_another_address_once(page: Page, visit: Visit) -> None:
    visit(address(ROWS, **SLOTS))

    assert page.evaluate(FIREFOX) == ["function", True, True]
