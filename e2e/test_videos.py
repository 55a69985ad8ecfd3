"""The videos: a large file travels, is processed beside the page, and can be played and sought."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from e2e.lab.pages import set_times
from e2e.support import media
from e2e.support.console import Console
from e2e.support.drag import drop_files
from e2e.support.proxy import FaultProxy
from e2e.support.server import Server
from liveview.tests.processes import until
from uploads.tests import films

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.usefixtures("nothing_staged")

ZONE = "[dj-upload-drop=video]"
INPUT = "input[name=video]"
ROW = ".video-row"
LONG = 90_000  # ms: a slow machine takes its time


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of 640 × 360, of a few megabytes: more than one answer's worth."""
    path = tmp_path_factory.mktemp("films") / "Ein Film 🎬.mp4"
    media.video(path, sound="aac", seconds=20, size=(640, 360), fps=10, preset="ultrafast", noise=160, g=10)
    assert path.stat().st_size > 3_000_000
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return media.video(tmp_path_factory.mktemp("films") / "clip.webm", codec="libvpx-vp9", sound="libopus")


def visit(page: Page, url: str = "") -> None:
    page.goto(f"{url}/videos/")
    expect(page.locator("html.live-connected")).to_be_attached()


def card(page: Page, title: str) -> Locator:
    """The newest video with that title among those of this visitor."""
    return page.locator("li.video", has=page.get_by_label(f"Delete {title}", exact=True)).first


@pytest.fixture(scope="session")
def long_film(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Path:
    """The film with a box of nothing behind it, 30 MB in all."""
    path = tmp_path_factory.mktemp("films") / "long.mp4"
    nothing = 30_000_000
    path.write_bytes(film.read_bytes() + nothing.to_bytes(4, "big") + b"free" + bytes(nothing - 8))
    return path


@pytest.fixture
def huge_film(tmp_path: Path, film: Path) -> Path:
    """The film with random bytes behind it in a box that players skip, 200 MB in all."""
    path, nothing = tmp_path / "huge.mp4", 200_000_000
    with path.open("wb") as file:
        file.write(film.read_bytes() + nothing.to_bytes(4, "big") + b"free")
        for number in range(200):
            file.write(random.Random(number).randbytes(1_000_000 - 8 * (number == 199)))
    return path


def send(page: Page, path: Path) -> Locator:
    page.set_input_files(INPUT, path)
    expect(card(page, path.name).locator("video")).to_be_visible(timeout=LONG)
    return card(page, path.name)


def test_a_dragged_video_is_processed_and_can_be_played_and_sought(page: Page, film: Path) -> None:
    ranges: list[tuple[int, str]] = []
    page.on(
        "response", lambda r: ranges.append((r.status, r.headers.get("content-range", ""))) if ".mp4" in r.url else None
    )
    visit(page)
    page.evaluate(
        """() => {
            window.seen = [];
            new MutationObserver(() => {
                const wait = document.querySelector(".video-wait");
                if (wait) seen.push(wait.textContent.trim());
            }).observe(document.getElementById("videos"), { childList: true, subtree: true });
        }"""
    )

    drop_files(page, ZONE, [film])
    shown = card(page, film.name)
    video = shown.locator("video")
    expect(video).to_be_visible(timeout=LONG)

    assert page.evaluate("seen.some((text) => text.startsWith('Processing'))")
    expect(page.locator(ROW)).to_have_count(0)
    expect(shown).to_contain_text("0:20")
    expect(shown).to_contain_text("640 × 360")
    shown.get_by_text("As it was received").click()
    expect(shown.locator(".sha256")).to_have_text(hashlib.sha256(film.read_bytes()).hexdigest())

    handle = video.element_handle()
    page.evaluate("(video) => { video.muted = true; return video.play(); }", handle)
    page.wait_for_function("(video) => video.currentTime > 0.2 && video.readyState >= 2", arg=handle)
    page.evaluate("(video) => { video.pause(); video.currentTime = 17; }", handle)
    page.wait_for_function(
        "(video) => !video.seeking && video.readyState >= 2 && Math.abs(video.currentTime - 17) < 0.1", arg=handle
    )
    assert page.evaluate("(video) => [video.videoWidth, video.videoHeight, Math.round(video.duration)]", handle) == [
        640,
        360,
        20,
    ]

    assert ranges and all(status == 206 and span.startswith("bytes ") for status, span in ranges)


def test_a_webm_video_plays_too(page: Page, clip: Path) -> None:
    visit(page)

    video = send(page, clip).locator("video").element_handle()

    page.evaluate("(video) => { video.muted = true; return video.play(); }", video)
    page.wait_for_function("(video) => video.ended", arg=video)


# How large a video is in a player and on its poster, and how far the two pictures differ, of 255.
LOOKS = """async (video) => {
    video.muted = true;
    await Promise.all([new Promise((resolve) => video.requestVideoFrameCallback(resolve)), video.play()]);
    video.pause();
    const poster = new Image();
    poster.src = video.poster;
    await poster.decode();
    const pixels = [video, poster].map((picture) => {
        const context = new OffscreenCanvas(16, 16).getContext("2d", { willReadFrequently: true });
        context.imageSmoothingQuality = "high";
        context.drawImage(picture, 0, 0, 16, 16);
        return context.getImageData(0, 0, 16, 16).data;
    });
    const differences = [...pixels[0]].map((level, at) => Math.abs(level - pixels[1][at]));
    return {
        video: [video.videoWidth, video.videoHeight],
        poster: [poster.width, poster.height],
        difference: differences.reduce((sum, each) => sum + each) / (16 * 16 * 3),
    };
}"""
# When the sound of a video is first loud, in seconds; as browsers decode it.
SOUNDS = """async (video) => {
    const file = await (await fetch(video.querySelector("source").src)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(file);
    return sound.getChannelData(0).findIndex((level) => Math.abs(level) > 0.1) / 48000;
}"""


def hdr(path: Path) -> Path:
    colours = (9, 18, 9, 1)  # BT.2020, hybrid log-gamma
    return media.video(path, codec="libsvtav1", size=(160, 128), colours=colours, flat=(700, 480, 560), preset=12)


def oblong(path: Path) -> Path:
    media.video(path, codec="libvpx-vp9", sound="libopus", tone_at=0.5, size=(144, 116))
    path.write_bytes(films.shown_at(path.read_bytes(), 205, 116))
    return path


def test_films_look_in_a_player_as_their_posters_and_rows_say_and_are_heard(page: Page, tmp_path: Path) -> None:
    """Turned, mirrored, of oblong pixels, in HDR, cut off: the browser that plays them is the one to ask."""
    aspect = Fraction(64, 45)
    turned = media.video(tmp_path / "turned.mov", matrix=(0, 1, -1, 0), sound="pcm_s16be", tone_at=0.5)
    selfie = {"matrix": (-1, 0, 0, 1), "aspect": aspect, "size": (144, 116), "sound": "ac3", "tone_at": 0.5}
    recording = media.video(tmp_path / "a.mkv", sound="libopus", tone_at=0.5, bf=0)
    whole = films.recorded(films.named_webm(recording.read_bytes()))
    (tmp_path / "recording.webm").write_bytes(whole[:-1])
    hd = media.video(tmp_path / "hd.m4v", size=(1280, 720), colours=(2, 2, 2, 1), flat=(90, 120, 180), seconds=0.5)
    sheet = [
        (turned, (120, 160)),
        (media.video(tmp_path / "selfie.mp4", **selfie), (205, 116)),
        (oblong(tmp_path / "oblong.webm"), (205, 116)),
        (tmp_path / "recording.webm", (160, 120)),
        (hd, (1280, 720)),
        (hdr(tmp_path / "hdr.mp4"), (160, 128)),
    ]
    visit(page)

    for path, (width, height) in sheet:
        shown = send(page, path)
        expect(shown).to_contain_text(f"{width} × {height}")
        video = shown.locator("video").element_handle()
        looks = page.evaluate(LOOKS, video)
        assert (path.name, looks["video"], looks["poster"]) == (path.name, [width, height], [width, height])
        assert looks["difference"] < 6, path.name
        if path not in (hd, tmp_path / "hdr.mp4"):
            assert page.evaluate(SOUNDS, video) == pytest.approx(0.5, abs=0.06), path.name


def test_sound_that_can_not_be_played_is_said_with_the_video(page: Page, tmp_path: Path) -> None:
    silent = media.video(tmp_path / "silent.mp4", sound="ac3", seconds=0.5)
    silent.write_bytes(silent.read_bytes().replace(b"ac-3", b"dtsc"))
    visit(page)

    expect(send(page, silent).get_by_role("note")).to_have_text(
        "Its sound (DTS) can't be played in browsers, so the published video is silent."
    )


def test_what_is_playing_goes_on_while_the_page_changes(page: Page, film: Path, clip: Path) -> None:
    visit(page)
    video = send(page, film).locator("video").element_handle()
    page.evaluate("(video) => { video.muted = true; return video.play(); }", video)
    page.wait_for_function("(video) => video.currentTime > 0.2", arg=video)

    send(page, clip)

    assert page.evaluate("(video) => video.isConnected && !video.paused", video)
    at = page.evaluate("(video) => video.currentTime", video)
    page.wait_for_function("([video, at]) => video.currentTime > at", arg=[video, at])


def test_an_upload_is_paused_and_goes_on(page: Page, proxy: FaultProxy, film: Path) -> None:
    visit(page, proxy.url)
    proxy.rate = 1_500_000

    page.set_input_files(INPUT, film)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(ROW)).to_have_attribute("data-status", "paused")
    proxy.rate = None
    page.get_by_role("button", name="Resume").click()

    expect(card(page, film.name).locator("video")).to_be_visible(timeout=LONG)


def test_another_visitors_tab_sees_it_arrive_change_and_go(page: Page, new_context: NewContext, clip: Path) -> None:
    stranger = new_context().new_page()
    visit(stranger)
    visit(page)

    shown = send(page, clip)
    strangers = stranger.locator(f"#{shown.get_attribute('id')}")
    expect(strangers).to_be_visible()
    shown.get_by_label("Title of clip.webm").fill("By the <sea>")
    shown.get_by_label("Title of clip.webm").blur()
    expect(stranger.get_by_role("heading", name="By the <sea>")).to_be_visible()
    expect(stranger.get_by_label("Delete clip.webm")).to_have_count(0)

    shown.get_by_role("button", name="Delete clip.webm").click()
    expect(strangers).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(strangers).to_be_visible()


def test_a_bad_file_says_why_and_a_good_one_works_afterwards(page: Page, clip: Path, film: Path) -> None:
    half = {"name": "half.mp4", "mimeType": "video/mp4", "buffer": film.read_bytes()[:400_000]}
    visit(page)

    page.set_input_files(INPUT, [half])  # type: ignore[list-item]
    expect(page.locator(ROW)).to_contain_text("damaged")
    page.set_input_files(INPUT, [{"name": "evil.mp4", "mimeType": "video/mp4", "buffer": b"MZ" + bytes(9000)}])
    expect(page.get_by_role("group", name="evil.mp4")).to_contain_text("but it isn't a")

    send(page, clip)
    for name in ("half.mp4", "evil.mp4"):
        page.get_by_role("group", name=name).get_by_role("button", name="Remove").click()
    expect(page.locator(ROW)).to_have_count(0)


def test_without_javascript_a_video_is_sent_and_shown(new_context: NewContext, clip: Path) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto("/videos/")

    page.set_input_files(INPUT, clip)
    page.get_by_role("button", name="Send the videos").click()
    expect(card(page, clip.name)).to_be_visible()

    def is_ready() -> bool:
        page.goto("/videos/")
        return card(page, clip.name).locator("video").count() == 1

    until(is_ready)


def test_a_cut_costs_no_more_than_what_was_on_its_way(
    page: Page, proxy: FaultProxy, console: Console, long_film: Path
) -> None:
    console.expect("WebSocket connection")
    visit(page, proxy.url)
    page.evaluate(
        """() => {
            window.statuses = [];
            window.least = [];
            addEventListener("djust:upload:progress", ({ detail }) => {
                statuses.push(detail.status);
                if (statuses.includes("resuming")) least.push(detail.bytes);
            });
        }"""
    )
    proxy.rate = 20_000_000
    proxy.cut_after = proxy.bytes_up + 15_000_000
    before = proxy.bytes_up

    page.set_input_files(INPUT, long_film)

    expect(card(page, "long.mp4").locator("video")).to_be_visible(timeout=LONG)
    assert proxy.cuts == 1
    assert "resuming" in page.evaluate("statuses")
    assert page.evaluate("Math.min(...least)") > 0
    again = proxy.bytes_up - before - long_film.stat().st_size
    assert again < 8 * 2**20 + 1_000_000  # the window, and what is no file
    digest = hashlib.sha256(long_film.read_bytes()).hexdigest()
    assert digest in card(page, "long.mp4").inner_html()


def test_twenty_random_cuts_of_a_large_video_cost_less_than_a_window_each(
    page: Page, proxy: FaultProxy, console: Console, huge_film: Path
) -> None:
    console.expect("WebSocket connection")
    visit(page, proxy.url)
    size, cuts = huge_film.stat().st_size, 20
    places = sorted(random.Random(7).sample(range(2_000_000, size - 2_000_000), cuts))
    page.evaluate("addEventListener('djust:upload:progress', ({ detail }) => (window.bytes = detail.bytes))")
    proxy.rate = 60_000_000
    before = proxy.bytes_up

    page.set_input_files(INPUT, huge_film)
    for place in places:
        until(lambda place=place: (page.evaluate("window.bytes") or 0) >= place, within=90)
        proxy.cut()

    expect(card(page, "huge.mp4").locator("video")).to_be_visible(timeout=LONG)
    assert proxy.bytes_up - before - size < cuts * 8 * 2**20
    assert hashlib.sha256(huge_film.read_bytes()).hexdigest() in card(page, "huge.mp4").inner_html()


def test_an_upload_survives_the_death_of_the_server(
    new_context: NewContext, console: Console, tmp_path_factory: pytest.TempPathFactory, long_film: Path
) -> None:
    console.expect("WebSocket connection|Failed to load resource")
    with Server(tmp_path_factory.mktemp("mortal")) as own, FaultProxy(own.host, own.port) as link:
        page = new_context().new_page()
        visit(page, link.url)
        link.rate = 15_000_000
        page.set_input_files(INPUT, long_film)
        expect(page.locator(ROW)).to_contain_text("left")
        until(lambda: link.bytes_up > 12_000_000)

        own.kill()
        own.start()

        expect(card(page, "long.mp4").locator("video")).to_be_visible(timeout=LONG)
        assert link.bytes_up < 1.6 * long_film.stat().st_size
        digest = hashlib.sha256(long_film.read_bytes()).hexdigest()
        assert digest in card(page, "long.mp4").inner_html()
        page.close()
        console.stop()


# -- The panel to break the connection with


@pytest.fixture
def chaos(page: Page, console: Console) -> Locator:
    console.expect("WebSocket connection")
    visit(page)
    page.get_by_role("button", name="Wire").click()
    return page.locator("#chaos")


def start_slowly(page: Page, chaos: Locator, path: Path) -> None:
    chaos.get_by_label("Speed").select_option("2000000")
    page.set_input_files(INPUT, path)
    expect(page.locator(f"{ROW} [data-upload=eta]")).to_contain_text("left")


def test_a_visitor_cuts_the_connection_and_sees_the_upload_go_on(page: Page, chaos: Locator, long_film: Path) -> None:
    start_slowly(page, chaos, long_film)

    chaos.get_by_role("button", name="Cut it").click()
    expect(chaos.get_by_role("log")).to_contain_text("the upload goes on from there")
    chaos.get_by_label("Speed").select_option("No limit")

    expect(card(page, "long.mp4").locator("video")).to_be_visible(timeout=LONG)
    assert hashlib.sha256(long_film.read_bytes()).hexdigest() in card(page, "long.mp4").inner_html()
    for line in ("You cut the connection", "Connected again after", "The server has all of long.mp4"):
        expect(chaos.get_by_role("log")).to_contain_text(line)


def test_a_visitor_silences_the_connection_and_the_page_finds_out(page: Page, chaos: Locator, long_film: Path) -> None:
    set_times(page, answer=1000)
    start_slowly(page, chaos, long_film)

    chaos.get_by_role("button", name="Silence it").click()
    expect(chaos.get_by_role("log")).to_contain_text("Connected again after")
    set_times(page, answer=8000)
    chaos.get_by_label("Speed").select_option("No limit")

    expect(card(page, "long.mp4").locator("video")).to_be_visible(timeout=LONG)
    assert hashlib.sha256(long_film.read_bytes()).hexdigest() in card(page, "long.mp4").inner_html()


def test_the_chosen_speed_is_kept(page: Page, chaos: Locator, film: Path) -> None:
    page.evaluate(
        """() => {
            window.times = {};
            addEventListener("djust:upload:progress", ({ detail }) => (times[detail.status] ??= performance.now()));
        }"""
    )
    start_slowly(page, chaos, film)
    expect(card(page, film.name).locator("video")).to_be_visible(timeout=LONG)

    seconds = page.evaluate("(times.complete - times.uploading) / 1000")
    assert seconds >= 0.9 * film.stat().st_size / 2_000_000


# -- Several


def test_videos_wait_for_the_one_that_is_under_way(page: Page, proxy: FaultProxy, film: Path, clip: Path) -> None:
    other = film.with_name("other.mp4")
    other.write_bytes(film.read_bytes())
    visit(page, proxy.url)
    proxy.rate = 100_000

    drop_files(page, ZONE, [film, other])
    first = page.locator(ROW, has_text=film.name)
    expect(first).to_have_attribute("data-status", "uploading")
    page.set_input_files(INPUT, clip)
    for name in (other.name, clip.name):
        expect(page.locator(ROW, has_text=name)).to_have_attribute("data-status", "queued")
    expect(first).to_have_attribute("data-status", "uploading")
    proxy.rate = None

    for path in (film, other, clip):
        expect(card(page, path.name).locator("video")).to_be_visible(timeout=LONG)
