"""An upload that is watched from outside: what its page says of it, and what became of it."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from playwright.sync_api import Page, expect

from liveview.tests.processes import until

WINDOW = 8 * 2**20  # bytes that a client may have on their way
REST = 1_000_000  # bytes that aren't the file's: pages, scripts, messages, frames' headers
LONG = 120_000  # ms: a slow machine takes its time

INPUT = "input[type=file]"
_WATCH = """
window.seen = [];
addEventListener("djust:upload:progress", ({ detail }) => seen.push([detail.status, detail.bytes]));
"""


def random_file(path: Path, size: int, seed: int = 1) -> Path:
    """So many bytes that no two blocks are alike."""
    source = random.Random(seed)
    with path.open("wb") as file:
        for start in range(0, size, 1_000_000):
            file.write(source.randbytes(min(1_000_000, size - start)))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def watch(page: Page) -> Page:
    """Call it before the page is loaded; it also applies to reloads."""
    page.add_init_script(_WATCH)
    return page


def reached(page: Page) -> int:
    """Bytes that the page says the server has."""
    status, count = page.evaluate("seen.at(-1) ?? ['', 0]")
    assert status != "error"
    return int(count)


def wait_for_bytes(page: Page, count: int) -> None:
    until(lambda: reached(page) >= count, within=LONG / 1000, every=0.05)  # asking takes the page's time


def begin(page: Page, path: Path, until_bytes: int) -> None:
    """Chooses a file and returns when so much of it is with the server."""
    page.set_input_files(INPUT, path)
    wait_for_bytes(page, until_bytes)


def went_on_at(page: Page) -> int:
    """The first offset after the last handshake; 0 if it started over."""
    seen = page.evaluate("seen")
    last = max(i for i, (status, _) in enumerate(seen) if status == "resuming")
    return next(int(count) for status, count in seen[last:] if status == "uploading")


def expect_arrived(page: Page, path: Path) -> None:
    """The lab's page says what it kept: every byte, as the SHA-256 of both ends proves."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    expect(page.locator("#arrived li", has_text=path.name).last).to_contain_text(digest, timeout=LONG)
