"""A page whose files go straight to S3, and what it shows of them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

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


def refuse(page: Page, times: int, status: int) -> list[str]:
    """S3 answers so, so often; the URLs that were asked for."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.continue_()
            return
        asked.append(route.request.url)
        if len(asked) <= times:
            route.fulfill(status=status, headers={"Access-Control-Allow-Origin": "*"}, body="<Error/>")
        else:
            route.continue_()

    page.route(re.compile(f"/{Moto.bucket}/"), answer)
    return asked
