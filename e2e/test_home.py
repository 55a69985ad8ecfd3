"""The start page: any file, a plug to pull, and two digests with an equals sign between them."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.support.drag import drop_files
from e2e.support.server import Server

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.usefixtures("nothing_staged")

INPUT = "input[name=file]"
LONG = 90_000  # ms: a slow machine takes its time


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "noise.bin"
    path.write_bytes(random.Random(1).randbytes(12_000_000))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def visit(page: Page) -> None:
    page.goto("/")
    expect(page.locator("html.live-connected")).to_be_attached()


def test_a_file_whose_plug_was_pulled_goes_on_and_is_the_same(page: Page, server: Server, noise: Path) -> None:
    visit(page)
    plug, log = page.locator("[data-try=plug]"), page.get_by_role("log", name="What happened")
    expect(plug).to_have_attribute("aria-disabled", "true")

    drop_files(page, "#try-zone", [noise])
    expect(page.locator(".try-row [role=progressbar]")).to_have_attribute("aria-valuenow", re.compile(r"[1-9]\d?"))
    plug.click()

    expect(page.locator("html.live-reconnecting")).to_be_attached()
    expect(log).to_contain_text(re.compile(r"Unplugged at [1-9]\d?%\."))
    expect(plug).to_have_text("Plug it back in")
    page.get_by_label("In slow motion").uncheck()
    plug.click()

    expect(log).to_contain_text(re.compile(r"The server has [\d.]+\s(k|M)B: it goes on from \d+%\."))
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", "equal", timeout=LONG)
    expect(log).to_contain_text("over 2 connections")
    assert page.locator("#own").inner_text() == page.locator("#digest").inner_text() == sha256(noise)
    expect(plug).to_have_attribute("aria-disabled", "true")
    expect(plug).to_be_focused()


def test_the_page_makes_up_a_file_and_shows_the_digests_of_the_latest(page: Page, tmp_path: Path) -> None:
    visit(page)
    page.get_by_label("In slow motion").uncheck()

    page.get_by_role("button", name="Make up 50 MB").click()
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", "equal", timeout=LONG)
    expect(page.locator("#arrived")).to_contain_text("50 MB")

    (small := tmp_path / "small.txt").write_text("small")
    page.set_input_files(INPUT, small)
    expect(page.locator("#digest")).to_have_text(sha256(small))
    expect(page.locator("#own")).to_have_text(sha256(small))
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", "equal")

    page.set_input_files(INPUT, {"name": "refused.txt", "mimeType": "text/plain", "buffer": b""})
    expect(page.locator("#try-rows [data-status=error]")).to_be_visible()
    expect(page.locator("#own")).to_have_text(sha256(small))  # both are still of the same file
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", "equal")


def test_the_digest_of_blocks_is_the_servers(page: Page) -> None:
    visit(page)
    content = bytes(range(250)) * 5

    made = page.evaluate(
        """(content) => new Promise((resolve) => {
            const worker = new Worker(document.getElementById("try").dataset.worker);
            worker.onmessage = ({ data }) => resolve(data.digest);
            worker.postMessage({ file: new File([new Uint8Array(content)], "a"), whole: 1000, block: 400 });
        })""",
        list(content),
    )

    blocks = [content[at : at + 400] for at in range(0, len(content), 400)]
    assert made == hashlib.sha256(b"".join(hashlib.sha256(block).digest() for block in blocks)).hexdigest()


def test_a_page_that_isnt_secure_says_that_the_servers_digest_is_all(new_context: NewContext, tmp_path: Path) -> None:
    page = new_context().new_page()
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    visit(page)
    (small := tmp_path / "small.txt").write_text("small")

    page.set_input_files(INPUT, small)

    expect(page.locator("#digest")).to_have_text(sha256(small))
    expect(page.locator("#own")).to_have_text("Needs a secure page (HTTPS).")
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", "")


def test_without_javascript_it_is_a_form(new_context: NewContext, noise: Path) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto("/")
    expect(page.get_by_role("button", name="Pull the plug")).to_be_hidden()

    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("alert")).to_have_text("Choose a file first.")
    page.set_input_files(INPUT, noise)
    page.get_by_role("button", name="Send it").click()

    expect(page.locator("#digest")).to_have_text(sha256(noise))


def test_the_page_stays_light(page: Page, deployed: Server) -> None:
    """Before anything is chosen, and with nothing below the first screen. Bytes of what is stored, compressed."""
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: int(response.headers.get("content-length", 0))}))

    page.goto(deployed.url, wait_until="networkidle")

    print(len(sizes), sum(sizes.values()))  # noqa: T201  (for `pytest -s`)
    assert len(sizes) <= 30
    assert sum(sizes.values()) <= 120_000
