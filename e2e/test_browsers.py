"""What a visitor does, in the other two engines. (Every other test is Chromium's.)"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from e2e.lab.pages import SETTINGS
from e2e.support import media
from e2e.support.browsers import Driven, Firefox, WebKit
from e2e.support.proxy import FaultProxy, link_to
from e2e.support.server import Server
from liveview.tests.processes import served
from uploads.tests.content.image.samples import p3

pytestmark = pytest.mark.base(None)

LIVE = "document.documentElement.classList.contains('live-connected')"
DROP = """(() => {
    const data = new DataTransfer();
    data.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
    const zone = document.querySelector("[dj-upload-drop]");
    for (const kind of ["dragenter", "dragover", "drop"]) {
        zone.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
    return data.files.length;
})()"""
WATCH = """(() => {
    window.seen = [];
    addEventListener("djust:upload:progress", ({ detail }) => seen.push([detail.status, detail.progress]));
})()"""
# Films of other tests may be there already, and are everybody's to see.
OWN = """(() => {
    const films = () => [...document.querySelectorAll("li.video")];
    const others = films().map(({ id }) => id);
    window.film = () => films().find(({ id }) => !others.includes(id))?.querySelector("video");
})()"""

lab = served(Server, extra=SETTINGS)
line = link_to("server")


@pytest.fixture(params=[Firefox, WebKit], ids=lambda kind: kind.name)
def browser_of_another_kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Driven]:
    kind: type[Driven] = request.param
    if lacks := kind.lacks():
        pytest.skip(f"{kind.name} was not tried: it needs {lacks}")
    with kind(tmp_path) as browser:
        yield browser


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds, of a few megabytes."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    media.video(path, sound="aac", seconds=20, size=(320, 240), fps=10, preset="ultrafast", noise=160, g=10)
    assert path.stat().st_size > 3_000_000
    return path


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """A photo to be turned by a quarter, clockwise, in colours that are wider than sRGB."""
    picture, exif = Image.new("RGB", (800, 400), (250, 250, 250)), Image.Exif()
    picture.paste((180, 90, 90), (0, 0, 400, 400))
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    picture.save(path, exif=exif, icc_profile=p3(), quality=95)
    return path


def is_near(found: object, wanted: tuple[int, ...]) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) <= 12 for one, other in zip(found, wanted, strict=True))


def test_a_visit(
    browser_of_another_kind: Driven,
    lab: Server,
    server: Server,
    line: FaultProxy,
    film: Path,
    turned: Path,
    tmp_path: Path,
) -> None:
    browser = browser_of_another_kind
    notes = tmp_path / "notes.txt"
    notes.write_text("notes")

    # Mounted, clicked, typed while the page changes, chosen, dropped
    browser.open(f"{lab.url}/lab/counted/")
    browser.wait(LIVE)
    browser.click("#click")
    _counted(browser, "click 1")
    browser.type("#input", "ab")
    _counted(browser, "input 1")
    assert browser.run("[document.activeElement.id, document.activeElement.value]") == ["input", "ab"]
    browser.choose("input[type=file]", notes)
    _counted(browser, "upload 1")
    if browser.run(DROP):
        _counted(browser, "upload 2")

    # Made smaller before it was sent: upright, and in sRGB
    browser.open(f"{lab.url}/lab/resizing/")
    browser.wait(LIVE)
    browser.choose("input[type=file]", turned)
    stored = browser.wait("document.querySelector('#stored li')?.dataset.path")
    with Image.open(lab.data_dir / "media" / stored) as picture:
        assert picture.size == (100, 200)
        pixels = [picture.convert("RGB").getpixel(at) for at in ((50, 20), (50, 180))]
    assert all(map(is_near, pixels, ((195, 85, 88), (250, 250, 250)))), pixels

    # Refused
    browser.open(f"{server.url}/avatars/")
    browser.wait(LIVE)
    browser.choose("input[name=avatar]", notes)
    browser.wait("document.querySelector('[role=alert]')?.textContent.includes('notes.txt')")

    # Cut off, resumed, processed
    browser.open(f"{line.url}/videos/")
    browser.wait(LIVE)
    browser.run(WATCH)
    browser.run(OWN)
    line.rate, line.cut_after = 1_500_000, 1_000_000
    browser.choose("input[name=video]", film)
    browser.wait("seen.some(([status]) => status === 'resuming')")
    line.rate = None
    browser.wait("film()?.querySelector('source').src")
    assert browser.run("seen.some(([status, progress]) => status === 'uploading' && progress > 0 && progress < 100)")
    assert line.cuts == 1

    # Played, and sought in what is longer than a browser asks for at once
    browser.run("(() => { window.video = film(); video.muted = true; void video.play() })()")
    browser.wait("video.currentTime > 0.5")
    browser.run("(() => { video.pause(); video.currentTime = 17 })()")
    browser.wait("!video.seeking && video.readyState >= 2 && Math.abs(video.currentTime - 17) < 0.2")
    assert browser.run("Math.round(video.duration)") == 20


def _counted(browser: Driven, text: str) -> None:
    browser.wait(f"document.getElementById('counts').textContent.includes('{text}')")
