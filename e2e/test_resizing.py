"""Pictures are made smaller in the browser: what arrives is upright, in the right colours, as transparent as before."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from e2e.lab.pages import Visit, wait_for
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.support.sending import LONG
from e2e.support.server import Server
from liveview.tests.processes import until
from uploads.tests.content.image.samples import p3

pytest_plugins = ["e2e.lab.fixtures"]

Make = Callable[..., Path]
RED, GREEN, BLUE, WHITE = (250, 20, 20), (20, 200, 20), (20, 20, 250), (250, 250, 250)
WIDE = (180, 90, 90)
IN_SRGB = (195, 85, 88)  # the same in sRGB


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def save(picture: Image.Image, name: str, **options: object) -> Path:
        path = tmp_path / name
        picture.save(path, **options)
        return path

    return save


def quarters() -> Image.Image:
    """800 × 400 in the file, red at its top left, then green, blue and white."""
    picture = Image.new("RGB", (800, 400))
    for at, colour in (((0, 0), RED), ((400, 0), GREEN), ((0, 200), BLUE), ((400, 200), WHITE)):
        picture.paste(colour, (*at, at[0] + 400, at[1] + 200))
    return picture


def noise(size: int = 900) -> Image.Image:
    return Image.frombytes("RGB", (size, size), random.Random(1).randbytes(3 * size * size))


def choose(page: Page, label: str, *paths: Path) -> None:
    page.get_by_label(label, exact=True).set_input_files(paths)


def arrived(page: Page, server: Server, name: str) -> Path:
    line = page.locator("#stored li", has_text=name)
    expect(line).to_be_visible(timeout=LONG)
    return server.data_dir / "media" / str(line.get_attribute("data-path"))


def near(found: object, wanted: tuple[int, ...]) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) <= 12 for one, other in zip(found, wanted, strict=True))


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_larger_pictures_arrive_smaller_and_look_the_same(visit: Visit, lab: Server, make: Make) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    clear = Image.new("RGBA", (600, 300), (0, 0, 0, 0))
    clear.paste((*GREEN, 255), (0, 0, 300, 300))
    flat = Image.new("RGB", (500, 500), WIDE)
    frames = [Image.new("P", (300, 300), number) for number in range(3)]
    turned = make(quarters(), "turned.jpg", exif=exif, quality=95)
    cut_out = make(clear, "clear.png")
    wide = make(flat, "wide.jpg", icc_profile=p3(), quality=95)
    large = make(noise(), "large.jpg", quality=95)
    avif = make(noise(400), "modern.avif", quality=80)
    moving = make(frames[0], "moving.gif", save_all=True, append_images=frames[1:])
    dancing = make(noise(250), "dancing.webp", save_all=True, append_images=[quarters().resize((250, 250))], quality=50)
    small = make(noise(100), "small.jpg", quality=90)
    simple = make(Image.new("RGB", (300, 300)), "simple.png")
    assert large.stat().st_size > 400_000  # more than the slot takes
    page = visit("/lab/resizing/")

    choose(page, "Photos", turned, cut_out, wide, large, avif, moving, dancing, small, simple)

    with Image.open(arrived(page, lab, "turned.jpg")) as upright:
        assert (upright.format, upright.size) == ("JPEG", (100, 200))
        assert not upright.getexif()
        corners = [upright.getpixel(at) for at in ((20, 20), (80, 20), (20, 180), (80, 180))]
    assert all(map(near, corners, (BLUE, RED, WHITE, GREEN)))
    with Image.open(arrived(page, lab, "clear.png")) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (200, 100))
        assert near(picture.getpixel((20, 50)), (*GREEN, 255)) and picture.getpixel((180, 50))[3] == 0  # type: ignore[index]
    with Image.open(arrived(page, lab, "wide.jpg")) as picture:
        assert near(picture.convert("RGB").getpixel((50, 50)), IN_SRGB)
    with Image.open(arrived(page, lab, "large.jpg")) as picture:
        assert picture.size == (200, 200)
    with Image.open(arrived(page, lab, "modern.webp")) as picture:
        assert (picture.format, picture.size) == ("WEBP", (200, 200))
    for untouched in (moving, dancing, small):
        assert sha(arrived(page, lab, untouched.name)) == sha(untouched)
    assert arrived(page, lab, "simple.png").stat().st_size <= simple.stat().st_size
    expect(page.locator("#rows > *")).to_have_count(0)


def test_the_original_is_sent_on_request_and_what_fails_is_too(visit: Visit, lab: Server, make: Make) -> None:
    picture, large = make(quarters(), "whole.jpg"), make(noise(), "large.jpg", quality=95)
    broken = picture.with_name("broken.jpg")
    broken.write_bytes(picture.read_bytes()[:600])
    page = visit("/lab/resizing/")
    page.evaluate("() => { delete window.OffscreenCanvas; delete window.Worker; }")  # as in an old browser

    choose(page, "Photos", broken, make(quarters(), "less.jpg"))
    assert sha(arrived(page, lab, "broken.jpg")) == sha(broken)
    with Image.open(arrived(page, lab, "less.jpg")) as less:
        assert less.size == (200, 100)
    page.get_by_label("Originals").check()
    choose(page, "Photos", picture, large)

    assert sha(arrived(page, lab, "whole.jpg")) == sha(picture)
    expect(page.locator('#rows [data-status="error"]', has_text="large.jpg")).to_be_visible()


HELD = """
  const { postMessage } = Worker.prototype;
  window.held = [];
  Worker.prototype.postMessage = function (...message) { held.push(() => postMessage.apply(this, message)); };
"""


def test_one_that_is_removed_while_it_is_made_smaller_is_never_sent(
    visit: Visit, page: Page, lab: Server, make: Make
) -> None:
    page.add_init_script(HELD)
    told: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: told.append(str(frame))))
    visit("/lab/resizing/")

    choose(page, "Photos", make(quarters(), "gone.jpg"))
    wait_for(page, "held.length")
    choose(page, "Photos", make(quarters(), "stays.jpg"))
    rows = page.locator('#rows [data-status="queued"]')
    expect(rows).to_have_count(2)
    rows.filter(has_text="gone.jpg").get_by_role("button").last.click()
    expect(rows).to_have_count(1)
    page.evaluate("() => void setInterval(() => held.splice(0).forEach((send) => send()), 20)")
    with Image.open(arrived(page, lab, "stays.jpg")) as picture:
        assert picture.size == (200, 100)
    assert not any("gone.jpg" in frame for frame in told)
    expect(page.locator("#stored li", has_text="gone.jpg")).to_have_count(0)


def test_a_resumed_one_goes_on_with_the_same_bytes(
    visit: Visit, page: Page, lab: Server, lab_proxy: FaultProxy, make: Make, console: Console
) -> None:
    """What was made of it is kept: made again, it might be another file."""
    console.expect(r"WebSocket connection|Failed to load resource")
    path = make(quarters(), "resumed.jpg")
    told: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: told.append(str(frame))))
    visit(f"{lab_proxy.url}/lab/resizing/")
    choose(page, "Slotted", path)
    until(lambda: page.evaluate("1") and any("upload_registered" in frame for frame in told))  # the page lets us know
    lab_proxy.stall = True
    page.get_by_role("button", name="Send").click()
    kept = """async () => {
      const made = await indexedDB.databases(); // who opens it first has to make its store
      if (!made.some(({ name }) => name === "uploads")) return [];
      return new Promise((resolve) => {
        const request = indexedDB.open("uploads", 1);
        request.onsuccess = () => {
          const all = request.result.transaction("uploads").objectStore("uploads").getAll();
          all.onsuccess = () =>
            resolve(all.result.filter(({ remade }) => remade).map(({ name, remade }) => [name, remade.size]));
        };
      });
    }"""
    until(lambda: page.evaluate(kept))
    [(name, size)] = page.evaluate(kept)
    assert name == "resumed.jpg" and 0 < size < path.stat().st_size

    page.goto("about:blank")
    lab_proxy.stall = False
    visit(f"{lab_proxy.url}/lab/resizing/")
    page.evaluate("() => { createImageBitmap = () => { throw new Error('not again'); }; delete window.Worker; }")
    choose(page, "Slotted", path)
    expect(page.locator('#slotted [data-status="queued"]', has_text="resumed.jpg")).to_be_visible()
    page.get_by_role("button", name="Send").click()

    stored = arrived(page, lab, "resumed.jpg")
    assert stored.stat().st_size == size
    with Image.open(stored) as picture:
        assert picture.size == (100, 50)
