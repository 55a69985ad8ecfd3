"""A page whose files go straight to S3, and what it shows of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from e2e.lab.pages import expect_connected
from e2e.support.proxy import FaultProxy
from e2e.support.sending import INPUT, LONG, watch
from uploads.tests.moto import Moto

PART = 5 * 2**20  # bytes
PARALLEL = 3
SIZE = 60_000_000
# Where moto fails on the rest of a request that was cut, its answer has no CORS headers.
LOST = r"Failed to load resource|WebSocket connection|Access to XMLHttpRequest"


def visit(page: Page, link: FaultProxy, query: str = "") -> Page:
    watch(page)
    page.goto(f"{link.url}/lab/direct/?{query}")
    expect_connected(page)
    return page


def choose(page: Page, path: Path) -> None:
    page.set_input_files(f"{INPUT}[dj-upload=file]", path)


def expect_arrived(page: Page, s3: Moto, path: Path) -> None:
    """What S3 has is the file."""
    line = page.locator("#arrived li", has_text=path.name)
    expect(line).to_be_visible(timeout=LONG)
    stored = s3.read(line.locator("code").inner_text())
    assert hashlib.sha256(stored).digest() == hashlib.sha256(path.read_bytes()).digest()


def row(page: Page) -> Locator:
    return page.locator("#rows > div")
