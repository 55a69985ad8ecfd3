"""The site under uvicorn, as a host would serve it: its main journeys in one browser, and what it says it lacks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.support import demos
from e2e.support.console import Console
from e2e.support.sending import sha256
from e2e.support.server import Server
from liveview.tests.processes import served, until

COMMAND = ["-m", "uvicorn", "--host", "{host}", "--port", "{port}", "config.asgi:application"]

pytestmark = pytest.mark.base("uvicorn")

uvicorn = served(Server, debug=False, command=COMMAND)


@pytest.mark.parametrize("demo", demos.TRY)
def test_files_are_sent_over_the_socket_and_seen(page: Page, uvicorn: Server, tmp_path: Path, demo: str) -> None:
    page.goto(f"/{demo}/")
    expect(page.locator("html.live-connected")).to_be_attached()

    sent = demos.TRY[demo](page, uvicorn.data_dir / "media", tmp_path)

    table = {"avatars": "avatars_avatar", "gallery": "gallery_photo", "videos": "videos_video"}[demo]
    database = uvicorn.db()
    stored = [digest for (digest,) in database.execute(f"SELECT sha256 FROM {table}")]
    database.close()
    assert sorted(stored) == sorted(map(sha256, sent))


def test_the_other_ways_in(page: Page, uvicorn: Server, tmp_path: Path) -> None:
    file = tmp_path / "file.dat"
    file.write_bytes(random.Random(6).randbytes(3_000_000))
    page.goto("/other-ways/")
    page.set_input_files("#file", file)
    ways = page.locator("[data-way]")

    for number in range(5):
        ways.nth(number).get_by_role("button", name="Send").click()
        expect(ways.nth(number)).to_have_attribute("data-state", "done", timeout=demos.LONG)

    page.reload()
    rows = page.locator("#received tbody tr")
    expect(rows).to_have_count(5)
    assert all(sha256(file) in text for text in rows.all_inner_texts())


def test_a_page_comes_back_when_the_server_starts_again(page: Page, uvicorn: Server, console: Console) -> None:
    console.expect("WebSocket|Failed to load resource")
    page.goto("/gallery/")
    expect(page.locator("html.live-connected")).to_be_attached()

    uvicorn.terminate()
    uvicorn.wait()
    expect(page.locator("html.live-connected")).not_to_be_attached()
    uvicorn.start()

    expect(page.locator("html.live-connected")).to_be_attached()


def test_its_log_says_what_it_does_not_do(page: Page, uvicorn: Server) -> None:
    page.goto("/avatars/")

    until(lambda: "Not running under liveview.daphne" in uvicorn.log_text())
