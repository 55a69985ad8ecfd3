"""What a visitor does with each demo, wherever it was copied to: sends files, and sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, expect

from e2e.support import media, pictures
from e2e.support.pictures import photo

LONG = 90_000  # ms: a slow machine takes its time
APART = 4.0  # of 255: what an encoding may change of a picture


def avatar(page: Page, media_root: Path, folder: Path) -> list[Path]:
    """The files that were sent, which are stored and shown by now. So it is with the others."""
    sent = photo(folder / "me.jpg", (600, 400))
    page.set_input_files("input[name=avatar]", sent)
    page.get_by_role("button", name="Save avatar").click()
    shown = page.locator("img.avatar")
    expect(shown).to_be_visible()
    expect_same(sent, stored(page, str(shown.get_attribute("src")), media_root))
    return [sent]


def gallery(page: Page, media_root: Path, folder: Path) -> list[Path]:
    sent = [photo(folder / f"{number}.jpg", (600, 400), seed=number) for number in range(3)]
    page.set_input_files("input[name=photos]", sent)
    shown = page.locator("#photos img")
    expect(shown).to_have_count(3, timeout=LONG)
    for path in sent:
        address = page.get_by_role("img", name=path.name).get_attribute("src")
        expect_same(path, stored(page, str(address), media_root))
    return sent


def video(page: Page, media_root: Path, folder: Path) -> list[Path]:
    film = media.video(folder / "film.mp4", sound="aac", seconds=2)
    page.set_input_files("input[name=video]", film)
    shown = page.locator("video source")
    expect(shown).to_be_attached(timeout=LONG)
    address = str(shown.get_attribute("src"))
    whole = stored(page, address, media_root).read_bytes()
    part = page.request.get(urljoin(page.url, address), headers={"Range": "bytes=4-11"})
    assert (part.status, part.body()) == (206, whole[4:12])
    assert hashlib.sha256(film.read_bytes()).hexdigest() in page.content()
    return [film]


TRY: dict[str, Callable[[Page, Path, Path], list[Path]]] = {"avatars": avatar, "gallery": gallery, "videos": video}


def stored(page: Page, url: str, media_root: Path) -> Path:
    """What the page shows is a file of the project's media, and is served as it is."""
    response = page.request.get(urljoin(page.url, url))
    assert response.status == 200
    (found,) = media_root.rglob(Path(url).name)
    assert hashlib.sha256(response.body()).digest() == hashlib.sha256(found.read_bytes()).digest()
    return found


def expect_same(sent: Path, published: Path) -> None:
    """The picture is the one that was sent, pixel by pixel as far as its encoding leaves them."""
    assert pictures.difference(sent, published) < APART
