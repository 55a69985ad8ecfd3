"""A network that lets no WebSocket through: the pages say so, and uploads go by HTTP with the same progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, Route, WebSocketRoute, expect

from e2e.support import media, pictures
from e2e.support.console import Console
from e2e.support.drag import drop_files
from e2e.support.proxy import FaultProxy
from e2e.support.sending import sha256
from e2e.support.server import Server
from liveview.tests.processes import until

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.usefixtures("nothing_staged")

SAYS = "Live updates can't get through on this network. Uploads still work."
LONG = 90_000  # ms: a slow machine takes its time
RATE = 2_000_000  # bytes per second
SLOW = 200_000

_SOON = """
addEventListener("DOMContentLoaded", () => {
  // Modules run before this, and one of them has put it there: a connection that gives up soon, as after ten seconds.
  const { connection } = liveview;
  clearTimeout(connection.patience);
  if (connection.state !== "connected") connection.become("failed");
});
window.seen = [];
addEventListener("djust:upload:progress", ({ detail }) => seen.push([detail.name, detail.status, detail.bytes]));
"""


class Wall:
    """Keeps WebSockets away from a page until it is taken down."""

    def __init__(self, page: Page) -> None:
        self.is_up = True
        page.add_init_script(_SOON)
        page.route_web_socket("**/live/", self._meet)

    def _meet(self, socket: WebSocketRoute) -> None:
        if self.is_up:
            socket.close()
        else:
            socket.connect_to_server()


@pytest.fixture
def wall(page: Page, console: Console) -> Wall:
    console.expect("WebSocket")
    console.expect("status of 415")  # a refused file
    console.expect("status of 423")  # the server is still at the last chunk, whose answer was lost
    return Wall(page)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG of about 4 MB."""
    return pictures.photo(tmp_path_factory.mktemp("photos") / "Ein Foto 📷.jpg", (3000, 2700), at_least=3_500_000)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    return [pictures.photo(folder / f"blocked {n}.jpg", (640, 480 + n), seed=n) for n in range(3)]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "Ein Film 🎬.mp4"
    media.video(path, sound="aac", seconds=20, size=(640, 360), fps=10, preset="ultrafast", noise=160, g=10)
    assert path.stat().st_size > 3_000_000
    return path


def visit(page: Page, path: str, url: str = "") -> None:
    page.goto(f"{url}{path}")
    expect(page.locator(".live-banner")).to_have_text(SAYS, timeout=LONG)


def stored(server: Server, table: str, name: str) -> list[str]:
    """The hashes of the files of that name, as they were received."""
    connection = server.db()
    try:
        rows = connection.execute(f"SELECT sha256 FROM {table} WHERE name = ?", [name]).fetchall()
    finally:
        connection.close()
    return [row["sha256"] for row in rows]


def between(page: Page, path: Path) -> set[int]:
    """The numbers of bytes that were shown on the way."""
    size = path.stat().st_size
    return {count for name, _, count in page.evaluate("seen") if name == path.name and 0 < count < size}


def statuses(page: Page) -> set[str]:
    return {status for _, status, _ in page.evaluate("seen")}


def broken(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": data}


# Avatars: the form sends what waits for it


@pytest.fixture(params=["chosen", "dropped"])
def give(request: pytest.FixtureRequest) -> Callable[..., None]:
    def give(page: Page, slot: str, paths: list[Path]) -> None:
        if request.param == "chosen":
            page.set_input_files(f"input[name={slot}]", paths)
        else:
            drop_files(page, f"[dj-upload-drop={slot}]", paths)

    return give


def save(page: Page) -> None:
    page.get_by_role("button", name="Save avatar").click()


def test_an_avatar_is_saved_with_progress(
    page: Page, wall: Wall, proxy: FaultProxy, server: Server, photo: Path, give: Callable[..., None]
) -> None:
    visit(page, "/avatars/", proxy.url)
    proxy.rate = RATE

    give(page, "avatar", [photo])
    expect(page.locator(".preview img")).to_be_visible()
    assert between(page, photo) == set()
    save(page)

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    assert len(between(page, photo)) >= 3
    assert stored(server, "avatars_avatar", photo.name)[-1] == sha256(photo)


def test_a_bad_avatar_says_why_and_the_next_one_works(
    page: Page, wall: Wall, server: Server, photos: list[Path]
) -> None:
    visit(page, "/avatars/")

    page.set_input_files("input[name=avatar]", [broken("cute.png", b"MZ" + bytes(9000))])
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("but it isn't a")
    expect(page.locator("img.avatar")).to_have_count(0)
    page.set_input_files("input[name=avatar]", photos[0])
    save(page)

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    assert stored(server, "avatars_avatar", photos[0].name)[-1] == sha256(photos[0])


def test_a_saved_avatar_is_replaced(page: Page, wall: Wall, server: Server, photos: list[Path]) -> None:
    visit(page, "/avatars/")
    page.set_input_files("input[name=avatar]", photos[0])
    save(page)
    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)

    page.set_input_files("input[name=avatar]", photos[1])
    save(page)

    expect(page.locator("#avatar-zone")).to_contain_text(photos[1].name, timeout=LONG)
    expect(page.locator("img.avatar")).to_be_visible()


def test_a_form_that_the_server_has_no_time_for_is_sent_again_with_its_file(
    page: Page, wall: Wall, server: Server, photos: list[Path], console: Console
) -> None:
    console.expect("status of 503")
    visit(page, "/avatars/")
    page.set_input_files("input[name=avatar]", photos[0])
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if route.request.headers.get("x-upload") != "form" or refused:
            return route.fallback()
        refused.append(route.request.url)
        headers = {"Retry-After": "5"}
        route.fulfill(status=503, headers=headers, json={"error": "busy", "message": "Wait a moment."})

    page.route("**/avatars/", refuse_once)
    save(page)

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    assert stored(server, "avatars_avatar", photos[0].name)[-1] == sha256(photos[0])
    assert refused


def test_saving_nothing_says_so(page: Page, wall: Wall) -> None:
    visit(page, "/avatars/")

    save(page)

    expect(page.get_by_role("alert")).to_have_text("No file selected.")


def test_a_file_chosen_before_the_connection_was_given_up_is_not_lost(
    page: Page, wall: Wall, server: Server, photos: list[Path]
) -> None:
    held: list[Any] = []
    page.route("**/uploads/fallback.js", lambda route: held.append(route))
    page.goto("/avatars/")
    expect(page.locator("html.live-failed")).to_be_attached()
    page.set_input_files("input[name=avatar]", photos[0])
    until(lambda: page.evaluate("1") and held)
    held[0].continue_()
    expect(page.locator(".preview img")).to_be_visible()
    save(page)

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    assert stored(server, "avatars_avatar", photos[0].name)[-1] == sha256(photos[0])


def test_a_form_that_was_sent_before_the_connection_was_given_up_waits_for_its_files(
    page: Page, console: Console, server: Server, photos: list[Path]
) -> None:
    console.expect("WebSocket")
    page.route_web_socket("**/live/", lambda socket: socket.close())
    page.goto("/avatars/")
    expect(page.locator("html.live-reconnecting")).to_be_attached()
    drop_files(page, "[dj-upload-drop=avatar]", [photos[0]])
    save(page)
    expect(page.get_by_role("button", name="Saving…")).to_be_disabled()

    page.evaluate("liveview.connection.become('failed')")

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    assert stored(server, "avatars_avatar", photos[0].name)[-1] == sha256(photos[0])


def test_the_next_page_does_not_wait_long_to_say_so(page: Page, wall: Wall, context: BrowserContext) -> None:
    visit(page, "/avatars/")

    page.reload()

    expect(page.locator(".live-banner")).to_have_text(SAYS)
    assert page.evaluate("liveview.connection.times.patience") <= 500


# The gallery and the videos: what is there appears by itself


def test_photos_appear_and_a_bad_one_spoils_nothing(
    page: Page, wall: Wall, server: Server, photos: list[Path], tmp_path: Path, give: Callable[..., None]
) -> None:
    bad = tmp_path / "evil.png"
    bad.write_bytes(b"MZ" + bytes(5000))
    visit(page, "/gallery/")

    give(page, "photos", [photos[0], bad, *photos[1:]])

    for path in photos:
        expect(page.get_by_label(f"Delete {path.name}", exact=True)).to_be_attached(timeout=LONG)
        assert sha256(path) in stored(server, "gallery_photo", path.name)
    expect(page.locator(".upload-row")).to_have_count(1)
    expect(page.locator("#refused")).to_contain_text("but it isn't a")
    page.locator("#refused [dj-upload-cancel]").click()
    expect(page.locator(".upload-row")).to_have_count(0)


def test_a_cut_in_the_middle_of_a_video_goes_on_where_it_was(
    page: Page, wall: Wall, proxy: FaultProxy, console: Console, server: Server, film: Path, give: Callable[..., None]
) -> None:
    console.expect("net::ERR_")
    visit(page, "/videos/", proxy.url)
    proxy.rate = SLOW
    begun = proxy.bytes_up

    give(page, "video", [film])
    until(lambda: between(page, film), within=LONG / 1000)
    proxy.refuse = True
    proxy.cut()
    until(lambda: "resuming" in statuses(page), within=LONG / 1000)
    proxy.refuse, proxy.rate = False, None

    expect(page.get_by_label(f"Delete {film.name}", exact=True).first).to_be_attached(timeout=LONG)
    assert len(between(page, film)) >= 3
    assert proxy.bytes_up - begun < 2 * film.stat().st_size
    assert stored(server, "videos_video", film.name)[-1] == sha256(film)


def test_a_video_can_be_paused_and_cancelled(
    page: Page, wall: Wall, proxy: FaultProxy, server: Server, film: Path
) -> None:
    before, staged = stored(server, "videos_video", film.name), server.staged()
    visit(page, "/videos/", proxy.url)
    proxy.rate = SLOW

    page.set_input_files("input[name=video]", film)
    until(lambda: between(page, film), within=LONG / 1000)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator('.video-row[data-status="paused"]')).to_be_visible()
    proxy.rate = None
    page.get_by_role("button", name="Remove").click()

    expect(page.locator(".video-row")).to_have_count(0)
    until(lambda: server.staged() <= staged)  # while the page can still say so
    assert stored(server, "videos_video", film.name) == before


def test_the_socket_comes_back_in_the_middle_and_nothing_is_lost(
    page: Page, wall: Wall, proxy: FaultProxy, server: Server, film: Path
) -> None:
    visit(page, "/videos/", proxy.url)
    proxy.rate = RATE
    page.set_input_files("input[name=video]", film)
    until(lambda: between(page, film), within=LONG / 1000)

    wall.is_up = False
    page.evaluate("liveview.connection.retryNow()")

    expect(page.locator("html.live-connected:not(.live-fallback)")).to_be_attached(timeout=LONG)
    expect(page.get_by_label(f"Delete {film.name}", exact=True).first).to_be_attached(timeout=LONG)
    assert stored(server, "videos_video", film.name)[-1] == sha256(film)


def test_the_socket_comes_back_before_the_form_is_sent(
    page: Page, wall: Wall, server: Server, photos: list[Path]
) -> None:
    visit(page, "/avatars/")
    page.set_input_files("input[name=avatar]", photos[0])
    expect(page.locator(".preview img")).to_be_visible()

    wall.is_up = False
    page.evaluate("liveview.connection.retryNow()")
    expect(page.locator("html.live-connected")).to_be_attached()
    save(page)

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    assert stored(server, "avatars_avatar", photos[0].name)[-1] == sha256(photos[0])


def test_the_socket_comes_back_while_the_form_waits_for_its_file(
    page: Page, wall: Wall, proxy: FaultProxy, server: Server, photo: Path
) -> None:
    visit(page, "/avatars/", proxy.url)
    proxy.rate = SLOW
    page.set_input_files("input[name=avatar]", photo)
    save(page)
    until(lambda: between(page, photo), within=LONG / 1000)

    wall.is_up = False
    page.evaluate("liveview.connection.retryNow()")
    expect(page.locator("html.live-connected:not(.live-fallback)")).to_be_attached(timeout=LONG)
    proxy.rate = None

    expect(page.locator("img.avatar")).to_be_visible(timeout=LONG)
    assert stored(server, "avatars_avatar", photo.name)[-1] == sha256(photo)
