"""A photo's thumbnail is in the album while its larger sizes are being made: what holds then, and if it ends there.

A child that makes them is stopped by a signal as soon as it has told of the thumbnail, so that nothing depends on time.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import BrowserContext, Page, expect

from e2e.support import pictures
from e2e.support.console import Console
from e2e.support.server import Server
from liveview.tests.processes import served, until

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.base("mortal")

INPUT = "input[name=photos]"
SIZE = (1000, 750)
FRAMES = 40  # which take seconds to encode, and the thumbnail is of the first

mortal = served(Server)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.webp"
    frames = []
    for number in range(FRAMES):
        frame = Image.radial_gradient("L").resize(SIZE).convert("RGB")
        ImageDraw.Draw(frame).rectangle([number * 20, 100, number * 20 + 200, 400], fill=(200, 60, 50))
        frames.append(frame)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40, method=0, quality=60)
    return path


def rows(server: Server) -> list[dict[str, str]]:
    with closing(server.db()) as connection:
        return [dict(row) for row in connection.execute("SELECT * FROM gallery_photo ORDER BY id")]


def files(server: Server) -> set[str]:
    folder = server.data_dir / "media" / "gallery"
    return {f"gallery/{path.name}" for path in folder.iterdir()} if folder.exists() else set()


def files_of(row: dict[str, str]) -> set[str]:
    return {row["full"], row["medium"], row["thumb"]}


class Making:
    """A photo of which there is only a thumbnail: the child that makes the rest stands still."""

    def __init__(self, page: Page, server: Server, film: Path) -> None:
        page.goto("/gallery/")
        expect(page.locator("html.live-connected")).to_be_attached()
        before = len(rows(server))
        page.set_input_files(INPUT, film)
        until(lambda: len(rows(server)) > before)
        (self.child,) = _children_of_zygotes()
        os.kill(self.child, signal.SIGSTOP)
        self.row = rows(server)[-1]
        assert files_of(self.row) == {self.row["thumb"]}, "the rest was made before the child could be stopped"
        self.image = page.locator(f"#photo-{self.row['id']} img")

    def end(self, how: signal.Signals) -> None:
        os.kill(self.child, how)


def _children_of_zygotes() -> list[int]:
    parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    ours = {pid for pid in parents if _descends(pid, os.getpid(), parents)}
    return [pid for pid in ours if _is_zygote(parents[pid])]


def _parent(process: Path) -> int:
    try:
        return int(process.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid and pid != ancestor:
        pid = parents.get(pid, 0)
    return pid == ancestor


def _is_zygote(pid: int) -> bool:
    return "uploads.content.sandbox.worker" in Path(f"/proc/{pid}/cmdline").read_text()


@pytest.fixture
def making(page: Page, mortal: Server, film: Path) -> Iterator[Making]:
    made = Making(page, mortal, film)
    yield made
    with suppress(ProcessLookupError):
        made.end(signal.SIGCONT)


def test_the_thumbnail_is_there_for_all_and_the_large_size_follows_by_itself(
    page: Page, new_context: NewContext, mortal: Server, film: Path, making: Making, tmp_path: Path
) -> None:
    thumb = making.row["thumb"]
    for each in (page, new_context().new_page()):
        each.goto("/gallery/") if each is not page else None
        image = each.locator(f"#photo-{making.row['id']} img")
        expect(image).to_be_visible()
        until(lambda image=image: image.evaluate("(image) => image.complete && image.naturalWidth > 0"))
        assert thumb in image.evaluate("(image) => image.currentSrc")
        expect(each.locator(".upload-row:visible")).to_have_count(0)
    shown = tmp_path / "shown.webp"
    shown.write_bytes(page.request.get(making.image.get_attribute("src") or "").body())
    with Image.open(shown) as picture:
        assert picture.size == (360, 270)
    assert pictures.difference(shown, film) < 5
    making.image.click()
    large = page.locator("dialog.lightbox img")
    expect(large).to_have_attribute("src", _ending(thumb))

    making.end(signal.SIGCONT)
    expect(large).to_have_attribute("src", _ending(thumb.replace("-t", "")))
    until(lambda: large.evaluate("(image) => image.naturalWidth") == SIZE[0])

    page.keyboard.press("Escape")
    expect(page.locator(".upload-row")).to_have_count(0)
    (row,) = rows(mortal)
    assert (row["id"], row["width"], row["height"]) == (making.row["id"], *SIZE)
    assert files(mortal) == files_of(row)
    assert len(files_of(row)) == 3


def test_a_failure_takes_the_thumbnail_away_and_says_so(page: Page, mortal: Server, making: Making) -> None:
    until(lambda: making.image.evaluate("(image) => image.complete && image.naturalWidth > 0"))

    making.end(signal.SIGKILL)

    expect(page.locator("#refused").get_by_role("listitem")).to_contain_text("film.webp")
    expect(making.image).to_have_count(0)
    until(lambda: making.row["id"] not in [row["id"] for row in rows(mortal)])
    assert making.row["thumb"] not in files(mortal)


def test_after_a_kill_of_the_server_it_is_finished_once(
    page: Page, mortal: Server, making: Making, console: Console
) -> None:
    console.expect(r"WebSocket connection|Failed to load resource")
    expect(making.image).to_be_visible()

    mortal.kill()
    mortal.start()

    until(lambda: len(files_of(rows(mortal)[-1])) == 3, within=60)
    (row,) = [row for row in rows(mortal) if row["id"] >= making.row["id"]]
    assert row["id"] == making.row["id"]
    assert files(mortal) == {name for row in rows(mortal) for name in files_of(row)}
    expect(making.image).to_have_attribute("srcset", _ending(f"{row['medium']} 960w"))
    expect(page.locator(".upload-row")).to_have_count(0)


def _ending(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text) + "$")
