"""The page to morph in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from e2e.morph.lab import Lab


@pytest.fixture
def modern(page: Page) -> Lab:
    lab = Lab(page)
    assert lab.js("'moveBefore' in Element.prototype")
    return lab


@pytest.fixture(params=["moveBefore", "insertBefore"])
def lab(page: Page, request: pytest.FixtureRequest) -> Lab:
    """With the browser's moveBefore, and as in one that hasn't got it."""
    if request.param == "insertBefore":
        page.add_init_script("delete Element.prototype.moveBefore; delete DocumentFragment.prototype.moveBefore;")
    return Lab(page)
