"""A field named like a member of its form, or a picture named like one of the document, breaks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.lab.pages import expect_log, wait_for
from e2e.support.console import Console
from e2e.support.drag import drop_files

pytest_plugins = ["e2e.lab.fixtures"]
pytestmark = pytest.mark.base("lab")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    return path


# Playwright's own scripts are led astray by such a form: nothing inside it is looked at with locators.


def _open(page: Page) -> None:
    page.goto("/lab/clobbered/")
    wait_for(page, "document.documentElement.matches('.live-connected')")


def _put_in(page: Page, text: str, file: Path) -> None:
    page.evaluate("document.getElementById('said').focus()")
    page.keyboard.type(text)
    drop_files(page, "#progress", [file])
    wait_for(page, "document.getElementById('progress').textContent.includes('Done')")
    page.evaluate("document.getElementById('save').focus()")


def test_a_form_whose_fields_are_named_like_its_members_is_live(page: Page, text: Path) -> None:
    _open(page)
    members = ["matches", "getAttribute", "closest", "querySelector", "hasAttribute", "requestSubmit", "dataset"]
    shadowed = page.evaluate("(all) => all.filter((one) => document.forms[0][one] instanceof Element)", members)
    assert shadowed == members

    _put_in(page, "hi", text)
    page.evaluate("HTMLElement.prototype.click.call(document.getElementById('clobbered'))")
    expect_log(page, "told hi")
    page.keyboard.press("F2")
    expect_log(page, "told hi", '{"key": "F2"}')
    page.keyboard.press("Enter")

    expect_log(page, "told hi", '{"key": "F2"}', 'saved hi ["a.txt"] live')


def test_rows_of_a_stream_may_be_such_forms(page: Page) -> None:
    _open(page)

    page.click("#rows-button")

    expect(page.locator(".row")).to_have_text(["three", "uno"])


def test_without_a_socket_such_a_form_is_sent_and_its_file_with_it(page: Page, console: Console, text: Path) -> None:
    console.expect("WebSocket")
    page.route_web_socket("**/live/", lambda socket: socket.close())
    page.goto("/lab/clobbered/")
    wait_for(page, "document.documentElement.matches('.live-fallback')")

    _put_in(page, "hi", text)
    page.keyboard.press("Enter")

    expect_log(page, 'saved hi ["a.txt"] posted')


def test_pictures_named_like_members_of_the_document_are_only_pictures(page: Page) -> None:
    page.goto("/lab/clobbered/?document=1")
    wait_for(page, "self.liveview?.isMounted")

    page.evaluate("liveview.event('save', { spoken_words: 'hi' })")
    said = "Document.prototype.querySelector.call(document, '#log').textContent"
    assert page.evaluate(f"[document.body.localName, {said}]") == ["img", "saved hi [] live"]
