"""Many files at once: one line for all of them, a window to drop on, and a reload that loses none."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from e2e.support import pictures
from e2e.support.drag import dragging_files, drop_files
from e2e.support.proxy import FaultProxy
from e2e.support.sending import sha256
from e2e.support.server import Server
from liveview.tests.processes import until

INPUT = "input[name=photos]"
LONG = 90_000  # ms


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("many")
    return [pictures.photo(folder / f"many {n}.jpg", (900, 700 + n), seed=n, at_least=300_000) for n in range(6)]


def _bad(name: str) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": b"MZ" + bytes(3000)}


def _visit(page: Page, url: str) -> None:
    page.goto(f"{url}/gallery/")
    expect(page.locator("html.live-connected")).to_be_attached()


def _payload(path: Path) -> FilePayload:
    return {"name": path.name, "mimeType": "image/jpeg", "buffer": path.read_bytes()}


def test_one_line_sums_up_many_files_and_its_buttons_are_for_all(
    page: Page, proxy: FaultProxy, photos: list[Path]
) -> None:
    _visit(page, proxy.url)
    proxy.rate = 200_000
    page.set_input_files(INPUT, [*map(_payload, photos), _bad("one.png"), _bad("two.png")])
    summary, rows = page.locator(".upload-summary-text"), page.locator(".upload-row")

    expect(summary).to_have_text(re.compile(r"^\d of 8( · \d refused)? · \d+\s(s|min) left$"))
    page.get_by_role("button", name="Pause all").press("Enter")
    expect(summary).to_have_text(re.compile("Paused"))
    expect(page.get_by_role("button", name="Resume all")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".upload-row[data-status=uploading]").first).to_be_attached()
    expect(page.locator(".refused-row")).to_have_count(2, timeout=LONG)
    page.get_by_role("button", name="Dismiss refused").click()
    expect(page.locator(".refused-row, .upload-row[data-status=error]")).to_have_count(0)
    page.get_by_role("button", name="Cancel all").click()

    expect(rows).to_have_count(0)
    proxy.rate = None


def test_what_ends_right_after_it_was_measured_is_complete(page: Page, server: Server) -> None:
    _visit(page, server.url)
    progress = page.evaluate(
        """async () => {
          const { Batch } = await import("/static/uploads/batch.js");
          const [batch, upload] = [new Batch(), { file: { size: 100 }, isChosen: true, written: 40 }];
          batch.update([upload], 1000);
          const before = batch.progress;
          upload.isOver = true;
          batch.update([upload], 1001);
          return [before, batch.progress];
        }"""
    )
    assert progress == [0.2, 1]


def test_what_is_drawn_many_times_is_drawn_ten_times_a_second(page: Page, server: Server, photos: list[Path]) -> None:
    _visit(page, server.url)
    page.evaluate(
        """() => {
            window.drawn = [];
            const note = () => drawn.at(-1) === performance.now() || drawn.push(performance.now());
            new MutationObserver(note).observe(document.getElementById("summary"), { subtree: true, attributes: true });
        }"""
    )
    page.set_input_files(INPUT, [_payload(path) for path in photos])
    expect(page.locator(".upload-summary-text")).to_have_text("6 uploaded", timeout=LONG)

    drawn = page.evaluate("drawn")
    # A file that goes is taken off at once.
    assert len(drawn) <= (drawn[-1] - drawn[0]) / 100 + 2 * len(photos) + 5


def test_the_window_says_what_a_drop_will_do(page: Page, server: Server, photos: list[Path]) -> None:
    _visit(page, server.url)
    overlay = page.locator("[dj-upload-overlay]")
    expect(overlay).to_be_hidden()

    with dragging_files(page, "h1", photos[:1]), dragging_files(page, ".page-header p", photos[:1]):
        expect(overlay).to_be_visible()
        expect(overlay).to_contain_text("Drop to add")
        box = overlay.bounding_box()
        assert box is not None and page.viewport_size is not None
        assert (box["width"], box["height"]) == (page.viewport_size["width"], page.viewport_size["height"])
    drop_files(page, "h1", photos[:1])

    expect(overlay).to_be_hidden()
    expect(page.get_by_label(f"Delete {photos[0].name}", exact=True)).to_be_visible(timeout=LONG)


def test_a_reload_loses_no_photo_and_doubles_none(
    page: Page, proxy: FaultProxy, server: Server, photos: list[Path]
) -> None:
    """Which no file input gives back, and no handle leads to: the browser has kept them."""
    page.on("dialog", lambda dialog: dialog.accept())
    _visit(page, proxy.url)
    proxy.rate = 150_000
    own = secrets.token_hex(4)  # of this try
    names = [f"{own} {n}.jpg" for n in range(len(photos))]
    payloads = [{**_payload(path), "name": name} for name, path in zip(names, photos, strict=True)]
    page.set_input_files(INPUT, payloads)
    page.get_by_role("button", name="Pause all").click()
    rows = page.locator(".upload-row")
    until(lambda: 0 < rows.count() == page.evaluate(KEPT))  # a row or two may have arrived already

    page.reload()
    expect(page.locator(".upload-row")).not_to_have_count(0)
    proxy.rate = None

    for name in names:
        expect(page.get_by_label(f"Delete {name}", exact=True)).to_be_visible(timeout=LONG)
    expect(page.locator(".upload-row, .upload-offer")).to_have_count(0)
    connection = server.db()
    try:
        stored = connection.execute("SELECT name, sha256 FROM gallery_photo WHERE name LIKE ?", [f"{own} %"]).fetchall()
    finally:
        connection.close()
    assert sorted(map(tuple, stored)) == sorted((n, sha256(p)) for n, p in zip(names, photos, strict=True))
    until(lambda: page.evaluate(KEPT) == 0)


KEPT = """() => new Promise((done) => {
    const opened = indexedDB.open("upload-files");
    opened.onupgradeneeded = () => opened.transaction.abort();
    opened.onerror = () => done(0);
    opened.onsuccess = () => {
        const { result } = opened;
        result.transaction("files").objectStore("files").count().onsuccess = ({ target }) => {
            result.close();
            done(target.result);
        };
    };
})"""
