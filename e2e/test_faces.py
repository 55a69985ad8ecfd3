"""The other faces of a demo: its code, and what is on its wire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.support import pictures
from e2e.support.console import Console


@pytest.mark.parametrize("demo", ["avatars", "gallery", "videos"])
def test_a_demos_code_is_one_click_away(page: Page, demo: str) -> None:
    page.goto(f"/{demo}/")

    page.get_by_role("link", name="Code", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("the code")
    source = page.locator("details", has_text=f"apps/{demo}/views.py").first
    expect(source.locator("pre")).to_contain_text("class ")
    assert source.locator("pre span").count() > 50


def test_the_wire_shows_messages_and_chunks_as_they_pass(page: Page, tmp_path: Path) -> None:
    page.goto("/gallery/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_role("button", name="Wire").click()
    log = page.get_by_role("log", name="Messages")

    page.set_input_files("input[dj-upload=photos]", pictures.photo(tmp_path / "seen.jpg", (1200, 900)))

    for text in ("upload_register", "upload_registered", "chunk, ", "upload_progress"):
        expect(log).to_contain_text(text)
    expect(page.locator("[data-wire=sent]")).to_contain_text("B")
    assert page.url.endswith("/gallery/#wire")
    page.get_by_role("button", name="Wire").click()
    expect(log).to_be_hidden()
    assert page.url.endswith("/gallery/")


@pytest.mark.parametrize("demo", ["avatars", "gallery", "videos"])
def test_the_wire_has_an_address_and_breaks_the_connection_beside_each_demo(
    page: Page, console: Console, demo: str
) -> None:
    console.expect("WebSocket connection")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"/{demo}/#wire")
    expect(page.locator("html.live-connected")).to_be_attached()
    wire, form = page.locator("#wire").bounding_box(), page.locator("form").first.bounding_box()
    assert wire is not None and form is not None
    assert wire["x"] > form["x"] + form["width"] and wire["x"] + wire["width"] <= 1280 and wire["y"] < 400

    page.get_by_role("button", name="Cut it").click()

    expect(page.get_by_role("log", name="What happened")).to_contain_text("Connected again after")
    expect(page.locator(".wire-plot .wire-cut")).to_have_attribute("d", re.compile("^M"))
