"""The other ways in: one file by each of them, from a browser."""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from e2e.support import media
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.support.sending import sha256
from e2e.support.server import Server
from liveview.tests.processes import until
from uploads.tests.http.ways.raw import Wire
from uploads.tests.http.ways.tus import BODY, TUS, located, metadata

NewContext = Callable[..., BrowserContext]

WAYS = {"form": "/upload", "whole": "/api/upload", "chunks": "/api/upload-chunk", "socket": "/ws/upload/"}
WAYS_AND_TUS = {**WAYS, "tus": "/tus/received/"}
LONG = 90_000  # ms


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "Grüße 🎬.dat"
    path.write_bytes(random.Random(8).randbytes(5_000_000))
    return path


def visit(page: Page, url: str = "") -> None:
    page.goto(f"{url}/other-ways/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Other ways to upload")


def card(page: Page, way: str) -> Locator:
    return page.locator(f"[data-way={way}]")


@pytest.mark.parametrize("way", WAYS_AND_TUS)
def test_a_file_arrives_whole(page: Page, file: Path, way: str) -> None:
    visit(page)
    expect(card(page, way).get_by_role("button", name="Send")).to_be_disabled()
    page.set_input_files("#file", file)

    card(page, way).get_by_role("button", name="Send").click()

    expect(card(page, way)).to_have_attribute("data-state", "done", timeout=LONG)
    expect(card(page, way).locator("progress")).to_have_js_property("value", 100)
    row = page.locator("#received tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(file.name)
    expect(row).to_contain_text(WAYS_AND_TUS[way])
    expect(row).to_contain_text(sha256(file))


def test_a_file_goes_every_way_at_once(page: Page, file: Path) -> None:
    visit(page)
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Send it all ways").click()

    for way in WAYS_AND_TUS:
        expect(card(page, way)).to_have_attribute("data-state", "done", timeout=LONG)
    page.reload()
    rows = page.locator("#received tbody tr")
    expect(rows).to_have_count(len(WAYS_AND_TUS))
    assert [sha256(file) in text for text in rows.all_inner_texts()] == len(WAYS_AND_TUS) * [True]


def test_a_server_that_has_no_time_is_asked_again(page: Page, file: Path, console: Console) -> None:
    """Each way's second request, or its first if it has only one, is put off."""
    console.expect("status of (429|503)")
    asked: dict[tuple[str, str], int] = {}

    def put_off_once(route: Route) -> None:
        key = route.request.method, urlsplit(route.request.url).path
        asked[key] = asked.get(key, 0) + 1
        if asked[key] != (2 if "chunk" in key[1] else 1):
            return route.fallback()
        status = 503 if "chunk" in key[1] or key[0] == "PATCH" else 429
        route.fulfill(status=status, headers={"Retry-After": "1"}, json={"error": "busy", "message": "Wait a moment."})

    for path in ("**/upload?*", "**/api/upload", "**/api/upload-chunk", "**/tus/received/**"):
        page.route(path, put_off_once)
    visit(page)
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Send it all ways").click()

    for way in WAYS_AND_TUS:
        expect(card(page, way)).to_have_attribute("data-state", "done", timeout=LONG)
    assert {method for method, _ in asked} == {"POST", "PATCH"}


def test_a_request_that_is_stopped_when_it_would_wait_is_not_made_again(page: Page, console: Console) -> None:
    console.expect("status of 503")
    asked: list[str] = []
    page.route(
        "**/api/upload",
        lambda route: (asked.append(route.request.url), route.fulfill(status=503, headers={"Retry-After": "1"})),
    )
    visit(page)

    said = page.evaluate("""async () => {
      const { request } = await import("/static/otherways/request.js");
      const control = new AbortController();
      const options = { signal: control.signal, sent: () => control.abort() };  // once it has been put off
      return request("POST", "/api/upload", options).catch(({ name }) => name);
    }""")

    assert (said, len(asked)) == ("AbortError", 1)


@pytest.mark.parametrize("way", WAYS_AND_TUS)
def test_progress_is_seen_on_its_way(page: Page, proxy: FaultProxy, tmp_path: Path, way: str) -> None:
    """Longer than what the browser and the network between hold: that counts as sent in the browser's own eyes."""
    file = tmp_path / "long.dat"
    file.write_bytes(random.Random(9).randbytes(15_900_000))
    visit(page, proxy.url)
    page.evaluate(
        """(way) => {
            window.seen = new Set();
            const bar = document.querySelector(`[data-way=${way}] progress`);
            new MutationObserver(() => seen.add(bar.value)).observe(bar, { attributes: true });
        }""",
        way,
    )
    page.set_input_files("#file", file)
    proxy.rate = 3_000_000

    card(page, way).get_by_role("button", name="Send").click()

    expect(card(page, way)).to_have_attribute("data-state", "done", timeout=LONG)
    between = page.evaluate("[...seen].filter((value) => value > 0 && value < 100)")
    assert len(between) >= 2, between


def test_a_form_of_200_mb_is_polled_on_its_way(server: Server) -> None:
    """At least five different values between 0 and 100, and null in the end. (Seed: seeds/002.)"""
    size, step, seen = 200_000_000, 25_000_000, set()
    head = b'--boundary-of-parts\r\nContent-Disposition: form-data; name="picture"; filename="large.dat"\r\n\r\n'
    tail = b"\r\n--boundary-of-parts--\r\n"
    length = len(head) + size + len(tail)

    def poll() -> dict[str, int] | None:
        with Wire(server.port) as other:
            answer = other.ask("GET", "/get_upload_progress?X-Progress-ID=large")
        if answer.status == 429:
            threading.Event().wait(0.3)  # polls are counted
        if answer.status == 200 and answer.json:
            seen.add(100 * answer.json["uploaded"] // answer.json["length"])
            assert answer.json["length"] == length
            return dict(answer.json)
        return None

    with Wire(server.port) as wire:
        kind = {"Content-Type": "multipart/form-data; boundary=boundary-of-parts", "Content-Length": str(length)}
        wire.begin("POST", "/upload?X-Progress-ID=large", kind)
        wire.send(head)
        digest = hashlib.sha256()
        for number in range(size // step):
            block = random.Random(number).randbytes(step)
            digest.update(block)
            wire.send(block)
            sent = len(head) + (number + 1) * step
            until(lambda sent=sent: (poll() or {"uploaded": 0})["uploaded"] >= sent, within=90)
        wire.send(tail)
        wire.socket.settimeout(180)
        answer = wire.answer()

    assert answer.json["fileSize"] == size
    assert len([percent for percent in seen if 0 < percent < 100]) >= 5
    until(lambda: _is_null(server))
    assert digest.hexdigest() == _stored_hash(server, answer.json["fileGuid"])


def _is_null(server: Server) -> bool:
    with Wire(server.port) as wire:
        return wire.ask("GET", "/get_upload_progress?X-Progress-ID=large").body == b"null\n"


def _stored_hash(server: Server, guid: str) -> str:
    """Of the bytes on the disk."""
    path = server.data_dir / "media" / "received" / guid.replace("-", "")
    return sha256(path)


def test_what_is_too_large_for_a_way_is_said_before(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.dat"
    with large.open("wb") as made:
        made.truncate(20_000_000)
    visit(page)

    page.set_input_files("#file", large)

    expect(card(page, "socket")).to_contain_text("Too large for this way. The limit is 16 MB.")
    expect(card(page, "socket").get_by_role("button", name="Send")).to_be_disabled()
    expect(card(page, "tus").get_by_role("button", name="Send")).to_be_enabled()


@pytest.mark.parametrize("way", WAYS_AND_TUS)
def test_what_is_not_taken_is_refused_with_a_reason(page: Page, console: Console, tmp_path: Path, way: str) -> None:
    console.expect("Failed to load resource")
    program = tmp_path / "program.exe"
    program.write_bytes(b"MZ" + bytes(5000))
    visit(page)
    page.set_input_files("#file", program)

    card(page, way).get_by_role("button", name="Send").click()

    expect(card(page, way)).to_have_attribute("data-state", "failed")
    expect(card(page, way)).to_contain_text("This kind of file isn't accepted here.")


def test_a_way_can_be_stopped(page: Page, server: Server, proxy: FaultProxy, file: Path) -> None:
    before = server.staged()
    visit(page, proxy.url)
    page.set_input_files("#file", file)
    proxy.rate = 200_000
    card(page, "tus").get_by_role("button", name="Send").click()
    expect(card(page, "tus")).to_contain_text("of 5 MB")

    card(page, "tus").get_by_role("button", name="Stop").click()

    expect(card(page, "tus")).to_contain_text("Stopped.")
    expect(card(page, "tus").get_by_role("button", name="Send")).to_be_enabled()
    until(lambda: server.staged() <= before)  # nothing is kept of it


def test_tus_goes_on_after_cuts(page: Page, proxy: FaultProxy, console: Console, file: Path) -> None:
    console.expect("Failed to load resource|net::ERR")
    visit(page, proxy.url)
    page.set_input_files("#file", file)
    proxy.rate = 3_000_000
    before = proxy.bytes_up
    card(page, "tus").get_by_role("button", name="Send").click()
    for place in (1_000_000, 2_500_000, 4_000_000):
        until(lambda place=place: proxy.bytes_up - before > place)
        proxy.cut()

    expect(card(page, "tus")).to_have_attribute("data-state", "done", timeout=LONG)
    expect(page.locator("#received tbody tr").first).to_contain_text(sha256(file))


def test_without_javascript_the_form_is_left(new_context: NewContext, console: Console, file: Path) -> None:
    console.expect("favicon.ico")  # which a browser asks for beside a JSON document
    page = new_context(java_script_enabled=False).new_page()
    visit(page)
    expect(page.locator("#file")).to_be_hidden()

    page.set_input_files("input[name=picture]", file)
    page.get_by_role("button", name="Send it", exact=True).click()

    expect(page.locator("body")).to_contain_text(re.compile(r'"success": true.*"fileGuid"'))
    visit(page)
    expect(page.locator("#received")).to_contain_text(sha256(file))


def test_nobody_sees_what_somebody_else_has_sent(page: Page, new_context: NewContext, file: Path) -> None:
    visit(page)
    page.set_input_files("#file", file)
    card(page, "whole").get_by_role("button", name="Send").click()
    expect(page.locator("#received tbody tr")).to_have_count(1)

    other = new_context().new_page()
    visit(other)

    expect(other.locator("#received")).to_contain_text("Nothing yet.")


def test_a_video_sent_by_tus_appears_on_the_open_videos_page(page: Page, server: Server, tmp_path: Path) -> None:
    clip = media.video(tmp_path / "by tus.webm", codec="libvpx-vp9", sound="libopus").read_bytes()
    page.goto("/videos/")
    expect(page.locator("html.live-connected")).to_be_attached()
    half = len(clip) // 2

    with Wire(server.port) as wire:
        asked = {**TUS, "Upload-Length": str(len(clip)), "Upload-Metadata": metadata(filename="by tus.webm")}
        path = located(wire.ask("POST", "/tus/", asked))
    for start, data in ((0, clip[:half]), (half, clip[half:])):
        with Wire(server.port) as wire:
            given = {**TUS, "Upload-Offset": str(start), "Content-Type": BODY}
            assert wire.ask("PATCH", path, given, data).status == 204

    expect(page.locator("li.video", has_text="by tus").locator("video")).to_be_visible(timeout=LONG)


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_fits_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    visit(page)
    for summary in page.locator("summary").all():
        summary.click()

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_runs_deployed(new_context: NewContext, deployed: Server, file: Path) -> None:
    page = new_context().new_page()
    visit(page, deployed.url)
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Send it all ways").click()

    for way in WAYS_AND_TUS:
        expect(card(page, way)).to_have_attribute("data-state", "done", timeout=LONG)
