"""The samples of the documents that this software is made after, in a project of somebody else's, in a browser.

Only their import lines are changed; the wiring is that of docs/from-djust.md and docs/http.md, and nothing else.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, WebSocketRoute, expect

from e2e.support import media, pictures
from e2e.support.console import Console
from e2e.support.drag import dragging_files, drop_files
from e2e.support.proxy import FaultProxy
from e2e.support.seeds import SeedsProject
from liveview.tests.processes import until
from liveview.tests.redis import Redis
from uploads.tests.moto import Moto
from uploads.tests.seeds import samples

pytestmark = pytest.mark.base(None)

LONG = 90_000  # ms
LARGE = random.Random(4).randbytes(12_000_000)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeedsProject]:
    with SeedsProject(tmp_path_factory.mktemp("seeds") / "project") as made:
        yield made


@pytest.fixture
def visit(project: SeedsProject, page: Page, console: Console) -> Callable[[str], Page]:
    console.expect("favicon")
    return lambda path: visit_at(page, project.url + path)


def visit_at(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("html.live-connected")).to_be_attached()
    return page


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [pictures.photo(tmp_path / f"photo {number}.jpg", (320, 240), seed=number) for number in range(2)]


def expect_to_be_drawn(image: Locator) -> None:
    expect(image).to_be_visible()
    expect(image).to_have_js_property("naturalWidth", 320)


# -- The tutorial


def test_the_tutorials_avatar_is_chosen_saved_shown_and_replaced(
    visit: Callable[[str], Page], photos: list[Path]
) -> None:
    page = visit("/avatar/")
    picked = page.locator("input[dj-upload=avatar]")
    expect(picked).to_have_attribute("accept", ".jpg,.jpeg,.png,.webp")
    page.get_by_role("button", name="Save avatar").click()
    expect(page.get_by_role("alert")).to_have_text("No file selected.")

    picked.set_input_files(photos[0])
    expect(page.locator("[dj-upload-preview=avatar] img")).to_be_visible()
    page.get_by_role("button", name="Save avatar").click()

    expect_to_be_drawn(page.locator("img.avatar"))
    expect(page.locator("strong")).to_have_text(photos[0].name)
    page.get_by_role("button", name="Replace").click()
    expect(page.locator("[dj-upload-drop=avatar]")).to_contain_text("Drag your avatar here")

    drop_files(page, "[dj-upload-drop=avatar]", photos)  # it is a slot for one
    expect(page.get_by_role("alert")).to_contain_text(f"{photos[1].name}: Only 1 file can be uploaded at a time.")
    page.get_by_role("button", name="Save avatar").click()
    expect(page.locator("strong")).to_have_text(photos[0].name)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("large.png", b"\x89PNG\r\n\x1a\n" + bytes(5_000_000), "too large"),
        ("drawing.svg", b"<svg/>", "isn't accepted"),
        ("cute.png", b"MZ" + bytes(5000), "but it isn't a"),
    ],
)
def test_the_tutorials_page_says_why_a_file_is_refused(
    visit: Callable[[str], Page], name: str, data: bytes, reason: str
) -> None:
    """It has no place for these errors: they are shown below its drop zone."""
    page = visit("/avatar/")
    file: FilePayload = {"name": name, "mimeType": "image/png", "buffer": data}

    page.locator("input[dj-upload=avatar]").set_input_files([file])

    expect(page.get_by_role("alert")).to_contain_text(reason)
    page.get_by_role("button", name="Save avatar").click()
    expect(page.get_by_role("alert")).to_contain_text(reason)
    expect(page.get_by_role("button", name="Save avatar")).to_be_enabled()
    expect(page.locator("img.avatar")).to_have_count(0)


# -- The reference


def test_the_quick_starts_profile_has_a_bar_per_file_and_tells_of_progress(
    visit: Callable[[str], Page], page: Page, photos: list[Path]
) -> None:
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.add_init_script(samples.printed("001_progress.js"))
    visit("/profile/")

    page.locator("form input[dj-upload=avatar]").set_input_files(photos[0])

    bar = page.locator("[dj-upload-progress=avatar] .upload-progress-bar[role=progressbar]")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(bar).to_have_attribute("aria-label", photos[0].name)
    page.get_by_role("button", name="Save").click()
    expect(bar).to_have_count(0)
    assert "avatar: 100%" in told


def test_the_samples_gallery_takes_several_photos_and_shows_them(
    visit: Callable[[str], Page], photos: list[Path]
) -> None:
    page = visit("/gallery/")
    expect(page.locator("input[dj-upload=photos]")).to_have_attribute("multiple", "")

    drop_files(page, "[dj-upload-drop=photos]", photos)

    expect(page.locator(".preview-grid img")).to_have_count(2)
    expect(page.locator(".upload-progress-bar[role=progressbar]")).to_have_count(2)
    for number in range(2):
        expect(page.locator(".upload-progress").nth(number)).to_have_attribute("data-status", "complete")
    page.get_by_role("button", name="Upload All").click()
    expect(page.locator(".gallery img")).to_have_count(2)
    for number in range(2):
        expect_to_be_drawn(page.locator(".gallery img").nth(number))
    expect(page.locator(".preview-grid img")).to_have_count(0)
    page.locator("input[dj-upload=photos]").set_input_files(photos[0])
    expect(page.locator(".upload-progress")).to_have_attribute("data-status", "complete")
    page.get_by_role("button", name="Upload All").click()
    expect_to_be_drawn(page.locator(".gallery img").nth(2))


def test_a_slot_sends_chunks_of_its_own_size(visit: Callable[[str], Page], page: Page) -> None:
    frames: list[int] = []

    def pass_on(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def send(message: str | bytes) -> None:
            if isinstance(message, bytes):
                frames.append(len(message))
            server.send(message)

        socket.on_message(send)

    page.route_web_socket("**/live/", pass_on)
    visit("/chunks/")
    file: FilePayload = {"name": "large.bin.txt", "mimeType": "text/plain", "buffer": LARGE[:2_000_000]}

    page.locator("input[dj-upload=large]").set_input_files([file])

    expect(page.locator(".upload-progress")).to_have_attribute("data-status", "complete")
    assert frames[0] == 524_288


# -- What the reference leaves to its reader


def test_a_click_may_wait_for_files_as_a_submit_does(
    project: SeedsProject, page: Page, console: Console, tmp_path: Path
) -> None:
    console.expect("favicon")
    large = _padded(pictures.photo(tmp_path / "large.jpg", (320, 240)), 900_000)
    with FaultProxy("127.0.0.1", project.port) as proxy:
        visit_at(page, f"{proxy.url}/extras/")
        proxy.rate = 300_000
        page.locator("input[dj-upload=photos]").set_input_files(large)
        expect(page.locator(".upload-progress")).to_have_attribute("data-status", "uploading")

        page.get_by_role("button", name="Upload All").click()
        expect(page.locator(".upload-progress")).to_have_attribute("data-status", "uploading")

        expect_to_be_drawn(page.locator(".gallery img"))  # by that one click
        program: FilePayload = {"name": "bad.png", "mimeType": "image/png", "buffer": b"MZ" + bytes(5000)}
        page.locator("input[dj-upload=photos]").set_input_files([program])
        expect(page.get_by_role("alert")).to_contain_text("but it isn't a")
        page.get_by_role("button", name="Upload All").click()
        expect(page.get_by_role("button", name="Upload All")).to_be_enabled()
        expect(page.locator(".gallery img")).to_have_count(1)
        page.close()


def test_a_zone_may_be_for_the_whole_page(visit: Callable[[str], Page], photos: list[Path]) -> None:
    page = visit("/extras/")
    everywhere, one = page.locator("[dj-upload-drop=photos]"), page.locator("[dj-upload-drop=one]")
    with dragging_files(page, "#beside", photos[:1]):
        expect(everywhere).to_have_class(re.compile("upload-dragover"))
        expect(one).not_to_have_class(re.compile("upload-dragover"))

    drop_files(page, "#beside", photos[:1])
    expect(page.locator("[dj-upload-progress=photos] .upload-progress")).to_have_attribute("data-status", "complete")
    drop_files(page, "[dj-upload-drop=one]", photos[1:])  # the nearest zone
    expect(page.locator("[dj-upload-progress=one] .upload-progress")).to_have_attribute("data-status", "complete")
    expect(page.locator("[dj-upload-progress=photos] .upload-progress")).to_have_count(1)
    expect(everywhere).not_to_have_class(re.compile("upload-dragover"))


# -- The article about progress


def test_the_articles_form_is_polled_by_its_own_view_while_its_bytes_arrive(
    project: SeedsProject, page: Page, console: Console, tmp_path: Path
) -> None:
    console.expect("favicon")
    (tmp_path / "dish.jpg").write_bytes(LARGE[:3_000_000])
    with FaultProxy("127.0.0.1", project.port) as proxy:
        page.goto(f"{proxy.url}/dishes/")
        proxy.rate = 1_500_000
        page.locator("#picture").set_input_files(tmp_path / "dish.jpg")
        seen, answer = page.evaluate(
            """async () => {
                document.getElementById("X-Progress-ID").value = "random-string";
                document.getElementById("id").value = "17";
                const id = document.getElementById("X-Progress-ID").value;
                const body = new FormData(document.getElementById("form_upload"));
                const sent = fetch("/upload?X-Progress-ID=" + id, { method: "POST", body });
                const seen = [];
                let answer = null;
                sent.then(async (response) => (answer = await response.text()));
                while (answer === null) {
                    const polled = await fetch("/get_upload_progress?X-Progress-ID=" + id);
                    seen.push(await polled.json());
                }
                seen.push(await (await fetch("/get_upload_progress?X-Progress-ID=" + id)).json());
                return [seen, answer];
            }"""
        )

    told = [each["uploaded"] for each in seen if each]
    assert len(set(told)) > 3 and told == sorted(told)
    assert {each["length"] for each in seen if each} == {max(each["length"] for each in seen if each)}
    assert seen[-1] is None and "ok" in answer
    stored = (project.folder / "picture-17").read_bytes()
    assert hashlib.sha256(stored).digest() == hashlib.sha256(LARGE[:3_000_000]).digest()


# -- The article about a consumer of one's own


def test_the_articles_consumer_lives_beside_the_pages(project: SeedsProject, page: Page, console: Console) -> None:
    console.expect("favicon")
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.goto(f"{project.url}/sockets/upload/")
    until(lambda: page.evaluate("1") and "WebSocket connection established." in told)
    file: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"all of it"}
    page.locator("input[type=file]").set_input_files([file])

    page.get_by_role("button", name="Upload").click()

    until(lambda: page.evaluate("1") and "Received message from server: File uploaded successfully!" in told)


# -- The guide of an uploader


def test_the_guides_views_take_what_its_settings_allow_from_any_page(
    project: SeedsProject, page: Page, console: Console
) -> None:
    """12 MB in one form and in chunks, to the printed views, at the printed addresses, from another site's page."""
    console.expect("favicon")
    with FaultProxy("127.0.0.1", project.port) as elsewhere:
        page.goto(f"{elsewhere.url}/dishes/".replace("127.0.0.1", "localhost"))
        console.expect("favicon|400")
        answers = page.evaluate(
            """async ([site, size]) => {
                const file = new File([new Uint8Array(size).fill(7)], "photo.jpg");
                const body = new FormData();
                body.append("file", file);
                const answers = [await (await fetch(site + "/api/upload", { method: "POST", body })).json()];
                const step = 5_000_000, count = Math.ceil(size / step);
                for (let i = 0; i < count; i++) {
                    const headers = {
                        "Content-Type": "application/octet-stream", "X-Upload-Id": "one", "X-Chunk-Index": i,
                        "X-Chunk-Count": count, "X-File-Name": file.name, "X-File-Size": size,
                    };
                    const chunk = { method: "POST", headers, body: file.slice(i * step, (i + 1) * step) };
                    answers.push(await (await fetch(site + "/api/upload-chunk", chunk)).json());
                }
                const empty = { method: "POST", body: new FormData() };
                answers.push(await (await fetch(site + "/api/upload", empty)).json());
                return answers;
            }""",
            [project.url, len(LARGE)],
        )

    whole, *counted, chunked, nothing = answers
    assert [answer["chunksReceived"] for answer in counted] == [1, 2]
    assert nothing == {"success": False, "error": "No file uploaded"}
    for answer in (whole, chunked):
        assert (answer["success"], answer["fileName"], answer["fileSize"]) == (True, "photo.jpg", len(LARGE))
        stored = project.folder / "uploads" / f"{answer['fileGuid']}.jpg"
        assert stored.read_bytes() == b"\7" * len(LARGE)


# -- With S3 and Redis


SETTINGS = """
from django.conf import global_settings

STORAGES = {{**global_settings.STORAGES, "default": {{"BACKEND": "uploads.s3.storage.PrivateS3Storage"}}}}
UPLOADS["S3"] = {options}
"""


@pytest.fixture
def services(start: Any) -> tuple[Moto, Redis]:
    moto: Moto = start(Moto)
    moto.client().create_bucket(Bucket="my-bucket")
    return moto, start(Redis)


def test_the_tutorial_and_the_writers_with_s3_and_the_state_in_redis(
    services: tuple[Moto, Redis], page: Page, console: Console, tmp_path: Path, photos: list[Path]
) -> None:
    moto, redis = services
    console.expect("favicon|WebSocket|Failed to load resource")
    # As `startproject` has no STORAGES; the address is this Redis's.
    storages = SETTINGS.format(options=moto.options())
    state = samples.printed("001_settings.py").replace("redis://localhost:6379/0", redis.url)
    with (
        SeedsProject(tmp_path / "project", settings=storages + state, environment=moto.environment()) as project,
        FaultProxy("127.0.0.1", project.port) as proxy,
    ):
        _avatar_is_in_the_bucket(page, project.url, photos[0], moto)
        _asset_is_in_the_bucket(page, project.url, tmp_path, moto)
        _film_goes_on(page, proxy, tmp_path, moto)
        _video_survives_the_server(page, proxy, project, redis, tmp_path)
        page.close()


def _avatar_is_in_the_bucket(page: Page, url: str, photo: Path, moto: Moto) -> None:
    visit_at(page, f"{url}/avatar/")
    page.locator("input[dj-upload=avatar]").set_input_files(photo)
    page.get_by_role("button", name="Save avatar").click()

    expect_to_be_drawn(page.locator("img.avatar"))
    expect(page.locator("img.avatar")).to_have_attribute("src", re.compile(re.escape(moto.url)))
    stored = [key.rpartition("/")[2] for key in moto.keys()]  # noqa: SIM118
    assert photo.name in stored


def _asset_is_in_the_bucket(page: Page, url: str, folder: Path, moto: Moto) -> None:
    large = _padded(pictures.photo(folder / "large.jpg", (320, 240)), 6_000_000)
    visit_at(page, f"{url}/asset/")
    page.locator("input[dj-upload=asset]").set_input_files(large)
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#said")).to_contain_text("image/jpeg uploads/", timeout=LONG)
    key = page.locator("#said").inner_text().split(" ", 1)[1]
    assert _sha256(moto.read(key, "my-bucket")) == _sha256(large.read_bytes())


def _film_goes_on(page: Page, proxy: FaultProxy, folder: Path, moto: Moto) -> None:
    """The printed writer, cut in the middle of a film: what the film is, is known to the end."""
    film = _film(folder, 12_000_000)
    visit_at(page, f"{proxy.url}/film/")
    proxy.cut_after = proxy.bytes_up + 7_000_000
    page.locator("input[dj-upload=film]").set_input_files(film)
    expect(page.locator(".upload-progress")).to_have_attribute("data-status", "complete", timeout=LONG)
    assert proxy.cuts
    proxy.cut()  # and once more, when all is there
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#said")).to_contain_text("video/mp4 .mp4 https://", timeout=LONG)
    (key,) = [key for key in moto.keys("my-bucket") if re.fullmatch(r"uploads/[0-9a-f]{32}", key)]
    assert moto.client().head_object(Bucket="my-bucket", Key=key)["ContentType"] == "video/mp4"
    assert _sha256(moto.read(key, "my-bucket")) == _sha256(film.read_bytes())
    assert moto.unfinished("my-bucket") == []


def _video_survives_the_server(
    page: Page, proxy: FaultProxy, project: SeedsProject, redis: Redis, folder: Path
) -> None:
    """The state is in Redis, as the printed settings say: the dict is djust's."""
    film = _film(folder, 6_000_000)
    visit_at(page, f"{proxy.url}/video/")
    proxy.rate = 1_000_000
    page.locator("input[dj-upload=video]").set_input_files(film)
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", re.compile("^[2-9].$"), timeout=LONG)
    assert _keys(redis) > 0
    project.kill()
    proxy.rate = None
    project.start()
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#said")).to_have_text(f"video/mp4 {_sha256(film.read_bytes())}", timeout=LONG)


def _keys(redis: Redis) -> int:
    with redis.connected() as connection:
        connection.sendall(b"DBSIZE\r\n")
        return int(connection.recv(64)[1:].split(b"\r\n")[0])


def _film(folder: Path, size: int) -> Path:
    """A short one with a box of nothing behind it."""
    path = media.video(folder / "film.mp4")
    rest = size - path.stat().st_size
    path.write_bytes(path.read_bytes() + rest.to_bytes(4, "big") + b"free" + LARGE[: rest - 8])
    return path


def _padded(photo: Path, size: int) -> Path:
    """What comes behind a picture's end isn't looked at."""
    photo.write_bytes(photo.read_bytes() + LARGE[:size])
    return photo


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
