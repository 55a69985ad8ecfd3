"""The site's pictures of itself, taken of the running site:  python -m e2e.screens

Makes the pictures of the demos on the start page, the one that messengers show, the icons, and the moving one of the
README, all over again. Commit what has changed.
"""

from __future__ import annotations

import base64
import io
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / name) for name in ("site", "apps")]

from e2e.support import landscapes, media  # noqa: E402
from e2e.support.server import Server  # noqa: E402

STATIC = ROOT / "static"
CARD = (640, 400)  # pixels of a demo's picture on the start page
SHOT = {"width": 1280, "height": 800}
SHARE = {"width": 1200, "height": 630}
SCHEMES = ("light", "dark")
TILE = "#0e6470"  # the icon's own colour
FILM = {"width": 900, "height": 900}
FILM_WIDTH = 720  # pixels
FRAMES = 5  # a second, or fewer
MOST = 500_000  # bytes of the moving picture
LONG = 120_000  # ms


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        icons(browser)
        with Server(folder / "site") as server:
            share(browser, server)
            moving(browser, server)
            for scheme in SCHEMES:
                for demo, show in {"avatars": avatars, "gallery": gallery, "videos": videos}.items():
                    with page_of(browser, server, scheme) as page:
                        shot = show(page, folder)
                    card(shot, STATIC / "pictures" / f"{demo}-{scheme}.webp")
        browser.close()


# -- Pages, with something on them


@contextmanager
def page_of(browser: Browser, server: Server, scheme: str, size: dict[str, int] = SHOT) -> Iterator[Page]:
    context = browser.new_context(base_url=server.url, color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(LONG)
    yield page
    context.close()


def visit(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.locator("html.live-connected")).to_be_attached(timeout=LONG)


def avatars(page: Page, folder: Path) -> bytes:
    visit(page, "/avatars/")
    page.set_input_files("input[type=file]", landscapes.landscape(folder / "mountains.jpg", (900, 900), seed=2))
    expect(page.locator("[dj-upload-preview] img").first).to_be_visible(timeout=LONG)
    page.wait_for_timeout(500)
    return page.screenshot()


def gallery(page: Page, folder: Path) -> bytes:
    photos = [landscapes.landscape(folder / f"photo-{seed:02}.jpg", seed=seed) for seed in range(12)]
    visit(page, "/gallery/")
    album = page.locator("main img[src*='/media/']")
    before = album.count()
    page.set_input_files("input[name=photos]", photos)
    expect(album).to_have_count(before + len(photos), timeout=LONG)
    album.nth(5).evaluate("(photo) => photo.scrollIntoView({ block: 'center', behavior: 'instant' })")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    return page.screenshot()


def videos(page: Page, folder: Path) -> bytes:
    film = folder / "Lake.mp4"
    if not film.exists():
        media.video(film, sound="aac", seconds=20, size=(640, 360), fps=10, preset="ultrafast", noise=160, g=10)
        nothing = 30_000_000  # bytes in a box that players skip
        film.write_bytes(film.read_bytes() + nothing.to_bytes(4, "big") + b"free" + bytes(nothing - 8))
    visit(page, "/videos/#wire")
    page.locator("#chaos select").select_option("2000000")
    page.set_input_files("input[name=video]", film)
    reach(page, 30)
    page.locator("[data-chaos=cut]").click()
    expect(page.get_by_role("log", name="What happened")).to_contain_text("goes on from there", timeout=LONG)
    reach(page, 45)
    return page.screenshot()


def reach(page: Page, percent: int) -> None:
    """Waits until the upload that is under way has come so far."""
    bar = page.locator("[role=progressbar]").first
    while int(bar.get_attribute("aria-valuenow") or 0) < percent:
        page.wait_for_timeout(50)


# -- Pictures


def card(shot: bytes, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.open(io.BytesIO(shot)).convert("RGB").resize(CARD, Image.Resampling.LANCZOS).save(path, quality=80, method=6)


def share(browser: Browser, server: Server) -> None:
    """The start page, in the middle of what it is for."""
    with page_of(browser, server, "light", SHARE) as page:
        visit(page, "/")
        page.get_by_role("button", name="Make up").click()
        reach(page, 35)
        page.locator("[data-try=plug]").click()
        page.wait_for_timeout(500)
        page.locator("[data-try=plug]").click()
        reach(page, 60)
        colours(page.screenshot()).save(STATIC / "share.png", optimize=True)


def moving(browser: Browser, server: Server) -> None:
    """The same from the beginning to the end: the plug is pulled and put back, and both digests are equal."""
    frames: list[Image.Image] = []
    ends: list[float] = []  # seconds at which the next one is seen

    def film(until: Callable[[], bool], least: float = 0.0) -> None:
        start = time.monotonic()
        while not until() or time.monotonic() - start < least:
            frames.append(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB").resize(size))
            page.wait_for_timeout(1000 / FRAMES)
            ends.append(time.monotonic())

    with page_of(browser, server, "light", FILM) as page:
        visit(page, "/")
        card = page.locator("#try")
        card.evaluate("(card) => card.scrollIntoView({ block: 'center', behavior: 'instant' })")
        others = "main section:not(:has(#try), #try), .site-footer"  # below it, and it grows
        page.evaluate(f"for (const each of document.querySelectorAll('{others}')) each.style.visibility = 'hidden'")
        box = card.bounding_box()
        assert box is not None
        clip = cast("Any", {"x": box["x"] - 16, "y": max(0, box["y"] - 16), "width": box["width"] + 32, "height": 0})
        clip["height"] = min(FILM["height"] - clip["y"], box["height"] + 150)
        size = (FILM_WIDTH, round(FILM_WIDTH * clip["height"] / clip["width"]))
        start = time.monotonic()
        film(lambda: True, 1.0)
        page.get_by_role("button", name="Make up").click()
        film(lambda: percent(page) >= 40)
        page.locator("[data-try=plug]").click()
        film(lambda: True, 2.0)
        page.locator("[data-try=plug]").click()
        film(lambda: page.locator("#verdict[data-verdict=equal]").count() > 0)
        film(lambda: True, 3.0)
    shown = [round(1000 * (end - begin)) for begin, end in zip([start, *ends], ends, strict=False)]
    path = ROOT / "docs" / "images" / "plug.webp"
    frames[0].save(path, append_images=frames[1:], duration=shown, loop=0, quality=60, method=4, minimize_size=True)
    assert path.stat().st_size <= MOST, f"{path.stat().st_size} bytes"


def percent(page: Page) -> int:
    bar = page.locator("#try-rows [role=progressbar]")
    return int(bar.get_attribute("aria-valuenow") or 0) if bar.count() else 0


def colours(shot: bytes) -> Image.Image:
    """With as many as the page has: a third of the bytes."""
    return Image.open(io.BytesIO(shot)).convert("P", palette=Image.Palette.ADAPTIVE)


def icons(browser: Browser) -> None:
    """Of `favicon.svg`. A phone cuts the corners of its icon by itself, and wants them full."""
    icon(browser, 180, TILE).convert("RGB").save(STATIC / "apple-touch-icon.png", optimize=True)
    for side in (192, 512):
        icon(browser, side).save(STATIC / f"icon-{side}.png", optimize=True)
    icon(browser, 48).save(STATIC / "favicon.ico", sizes=[(16, 16), (32, 32), (48, 48)])


def icon(browser: Browser, side: int, ground: str = "transparent") -> Image.Image:
    svg = base64.b64encode((STATIC / "favicon.svg").read_bytes()).decode()
    page = browser.new_page(viewport={"width": side, "height": side})
    image = f'<img src="data:image/svg+xml;base64,{svg}" width={side} height={side}>'
    page.set_content(f'<body style="margin:0;background:{ground}">{image}')
    shot = page.screenshot(omit_background=True)
    page.close()
    return Image.open(io.BytesIO(shot))


if __name__ == "__main__":
    main()
