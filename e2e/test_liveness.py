"""A dead line is never shown as a moving one, and those who can't see it are told as well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.lab.pages import Visit, expect_connected
from e2e.lab.shortest import address
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.test_endings import LISTEN
from liveview.tests.processes import until

pytest_plugins = ["e2e.lab.fixtures"]

LONG = 90_000  # ms
SLOW = 150_000  # bytes per second
ROWS = """<form dj-submit="save">
<input type="file" dj-upload="docs" id="docs">
<div dj-upload-progress="docs"><template><div class="row"><bdi data-upload="name"></bdi>
<span data-upload="status"></span> <span data-upload="rate"></span> <span data-upload="eta"></span>
<button type="button" dj-upload-pause="">Pause</button></div></template></div></form>"""
BAR = """<form dj-submit="save">
<input type="file" dj-upload="docs" id="docs">
<progress dj-upload-progress="docs" max="100" value="0"></progress>
<p class="row" dj-upload-status="docs"></p></form>"""
BANNER = ".live-banner"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "book.txt").write_bytes(b"Once upon a time. " * 250_000)
    return tmp_path / "book.txt"


@pytest.mark.parametrize("markup", [ROWS, BAR], ids=["rows", "a bar"])
def test_what_is_shown_and_said_of_a_line_is_true(
    page: Page, visit: Visit, lab_proxy: FaultProxy, console: Console, book: Path, markup: str
) -> None:
    console.expect("WebSocket|ERR_INTERNET_DISCONNECTED")
    visit(lab_proxy.url + address(markup, docs={"resumable": True, "resumable_store": "memory"}))
    page.evaluate(LISTEN)
    row, banner = page.locator(".row"), page.locator(BANNER)
    lab_proxy.rate = SLOW
    page.set_input_files("#docs", book)
    expect(row).to_contain_text(re.compile(r"Uploading \d+%.*\skB/s.* left"))

    lab_proxy.stall = True
    expect(row).not_to_contain_text("kB/s")
    expect(row).to_contain_text(re.compile(r"\d+% · Waiting for the network…"))
    expect(row).not_to_contain_text("left")
    until(lambda: "book.txt: waiting for the network." in " ".join(page.evaluate("said")), within=30)
    lab_proxy.stall = False
    expect(row).to_contain_text(re.compile(r"Uploading \d+%.*\skB/s.* left"))

    page.context.set_offline(True)
    expect(row).to_contain_text("You're offline", timeout=2_000)
    expect(banner).to_have_text("You're offline.", timeout=1_000)
    page.context.set_offline(False)
    lab_proxy.cut()
    expect_connected(page)
    expect(banner).to_be_hidden()
    expect(row).to_contain_text(re.compile(r"Uploading \d+%"))
    until(lambda: "book.txt: uploading again at" in " ".join(page.evaluate("said")), within=60)
    lab_proxy.rate = None
    expect(page.locator("progress[value='100'], [data-status=complete]")).to_be_attached(timeout=LONG)

    said = page.locator("[role=status]:not(.live-banner)").first
    expect(said).to_contain_text("book.txt: uploaded.")
    heard = " ".join(page.evaluate("said"))
    for line in ("book.txt: uploading.", "You're offline."):
        assert line in heard, heard


def test_an_answer_proves_a_browser_wrong_that_thinks_it_is_offline(page: Page, visit: Visit) -> None:
    visit(address(ROWS, docs={}))

    page.evaluate(
        """() => {
            window.send = liveview.connection.send;
            liveview.connection.send = () => {};
            dispatchEvent(new Event("offline"));
        }"""
    )
    expect(page.locator(BANNER)).to_have_text("You're offline.")
    page.evaluate("liveview.connection.send = window.send; liveview.connection.send({ type: 'heartbeat' })")

    expect(page.locator(BANNER)).to_be_hidden()


def test_quarters_and_a_pause_are_said_and_a_few_words_at_a_time(
    page: Page, visit: Visit, lab_proxy: FaultProxy, book: Path
) -> None:
    visit(lab_proxy.url + address(ROWS, docs={}))
    page.evaluate(LISTEN)
    lab_proxy.rate = 400_000

    page.set_input_files("#docs", book)
    until(lambda: "book.txt: 25%." in " ".join(page.evaluate("said")), within=60)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".row")).to_contain_text("Paused")
    until(lambda: "book.txt: paused." in " ".join(page.evaluate("said")), within=60)
    page.get_by_role("button", name="Pause").click()

    until(lambda: "book.txt: uploaded." in " ".join(page.evaluate("said")), within=60)
    assert len(page.evaluate("said")) <= 8
