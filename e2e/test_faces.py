"""The other faces of a demo: its code, and what is on its wire."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.support import pictures


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
    page.get_by_role("button", name="Wire").click()
    expect(log).to_be_hidden()
