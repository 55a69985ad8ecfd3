"""Files that go from the browser straight to S3, through a network that fails, and what S3 says of them."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from e2e.lab.pages import SETTINGS, expect_connected
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.support.sending import INPUT, LONG, random_file, reached, wait_for_bytes, watch
from e2e.support.server import Server
from e2e.support.until import until
from uploads.s3.cors import rule
from uploads.tests.moto import Moto
from uploads.tests.signing import TOPIC, Signer, event, record

PART = 5 * 2**20  # bytes
PARALLEL = 3
SIZE = 60_000_000
HALF = SIZE // 2
RATE = 8_000_000  # bytes per second of each connection, so that there is time for something to happen
REST = 2_000_000  # bytes that aren't the file's
# Where moto fails on the rest of a request that was cut, its answer has no CORS headers.
LOST = r"Failed to load resource|WebSocket connection|Access to XMLHttpRequest"


@pytest.fixture(scope="module")
def s3() -> Iterator[Moto]:
    with Moto() as s3:
        yield s3


@pytest.fixture(scope="module")
def road(s3: Moto) -> Iterator[FaultProxy]:
    """The way to S3, for browsers and for the server."""
    with FaultProxy("127.0.0.1", s3.port) as road:
        yield road


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, s3: Moto, road: FaultProxy, signer: Signer
) -> Iterator[tuple[Server, FaultProxy]]:
    """A server whose pages may send to that S3, and the way to it."""
    folder = tmp_path_factory.mktemp("direct")
    certificate = folder / "sns.pem"
    certificate.write_bytes(signer.certificate)
    bucket = {
        "AWS_STORAGE_BUCKET_NAME": s3.bucket,
        "AWS_S3_ENDPOINT_URL": road.url,
        "AWS_S3_REGION_NAME": "us-east-1",
        "AWS_S3_ADDRESSING_STYLE": "path",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "UPLOADS_S3": json.dumps({"PART_SIZE": PART, "PARALLEL_PARTS": PARALLEL}),
        "UPLOADS_S3_EVENTS": json.dumps({"TOPICS": [TOPIC], "CERTIFICATES": "e2e.lab.direct.certificate"}),
        "LAB_CERTIFICATE": str(certificate),
    }
    server = Server(folder, extra={**SETTINGS, **bucket}).start()
    with FaultProxy(server.host, server.port) as link:
        rules = [rule([server.url, link.url])]
        s3.client().put_bucket_cors(Bucket=s3.bucket, CORSConfiguration={"CORSRules": rules})
        assert preflight(s3, link.url) == 200
        yield server, link
    server.terminate()


def preflight(s3: Moto, origin: str) -> int:
    """What a browser asks before it sends. The first of these must not be one of several at once: see `Moto`."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    request = urllib.request.Request(f"{s3.url}/{s3.bucket}/uploads/x", headers=headers, method="OPTIONS")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


@pytest.fixture
def link(site: tuple[Server, FaultProxy], console: Console) -> Iterator[FaultProxy]:
    """The way to the server."""
    yield site[1]
    console.stop()


@pytest.fixture(autouse=True)
def mended(road: FaultProxy, s3: Moto) -> Iterator[None]:
    road.rate, road.cut_after, road.stall, road.bytes_up = None, None, False, 0
    yield
    road.rate, road.cut_after, road.stall = None, None, False
    road.up()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_file(tmp_path_factory.mktemp("files") / "große Datei 📦.dat", SIZE)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_file(tmp_path_factory.mktemp("files") / "small.dat", 300_000, seed=2)


def visit(page: Page, link: FaultProxy, query: str = "") -> Page:
    watch(page)
    page.goto(f"{link.url}/lab/direct/?{query}")
    expect_connected(page)
    return page


def choose(page: Page, path: Path) -> None:
    page.set_input_files(f"{INPUT}[dj-upload=file]", path)


def expect_arrived(page: Page, s3: Moto, path: Path) -> None:
    """What S3 has is the file."""
    line = page.locator("#arrived li", has_text=path.name)
    expect(line).to_be_visible(timeout=LONG)
    stored = s3.read(line.locator("code").inner_text())
    assert hashlib.sha256(stored).digest() == hashlib.sha256(path.read_bytes()).digest()


def statuses(page: Page) -> set[str]:
    return {status for status, _ in page.evaluate("seen")}


def row(page: Page) -> Locator:
    return page.locator("#rows > div")


# -- Sixty megabytes


def test_sixty_megabytes_survive_a_cut_on_their_way_to_s3(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    """Nothing of it goes through the server, and no part that has arrived is sent again."""
    console.expect(LOST)
    visit(page, link)
    road.cut_after = HALF
    before, cuts = link.bytes_up, road.cuts

    choose(page, file)
    expect_arrived(page, s3, file)

    assert road.cuts == cuts + 1
    assert road.bytes_up < SIZE + PARALLEL * PART + REST
    assert link.bytes_up - before < REST
    assert s3.unfinished() == []
    assert {"uploading", "complete"} <= statuses(page)


def test_an_upload_waits_while_s3_is_away(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, 3 * PART)

    refused = road.accepted
    road.refuse = True
    road.cut()
    until(lambda: road.accepted >= refused + PARALLEL)
    road.refuse = False
    road.rate = None

    expect_arrived(page, s3, file)


def test_a_lost_page_goes_on_from_s3s_own_list_of_parts(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link, "resumable")
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, HALF)

    road.stall = True  # or it might be complete before the page notices
    link.cut()
    until(lambda: "resuming" in statuses(page))
    road.rate, road.stall = None, False

    expect_arrived(page, s3, file)
    assert "resuming" in statuses(page)
    assert road.bytes_up < SIZE + 2 * PARALLEL * PART + REST


def test_after_a_reload_the_same_file_goes_on(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link, "resumable")
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, HALF)

    road.stall = True
    page.reload()
    expect_connected(page)
    road.rate, road.stall = None, False
    choose(page, file)

    expect_arrived(page, s3, file)
    went_on = next(count for status, count in page.evaluate("seen") if status == "uploading")
    assert went_on >= PART
    assert road.bytes_up < SIZE + 2 * PARALLEL * PART + REST


def test_a_paused_upload_sends_nothing_and_goes_on(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, 3 * PART)

    road.stall = True
    row(page).get_by_role("button", name="Pause").click()
    expect(row(page)).to_have_attribute("data-status", "paused")
    road.stall = False
    held = reached(page)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert reached(page) == held < SIZE
    row(page).get_by_role("button", name="Pause").click()
    road.rate = None

    expect_arrived(page, s3, file)


def test_a_removed_upload_leaves_nothing_at_s3(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, 2 * PART)
    keys = s3.keys()

    road.stall = True
    row(page).get_by_role("button", name="Remove").click()
    expect(row(page)).to_have_count(0)
    road.stall = False

    until(lambda: s3.unfinished() == [])
    assert s3.keys() == keys


# -- Small ones


@pytest.mark.parametrize("way", ["put", "post"])
def test_a_small_file_goes_in_one_piece(page: Page, link: FaultProxy, s3: Moto, small: Path, way: str) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if is_s3(request) else None)
    visit(page, link, f"small={way}")

    choose(page, small)

    expect_arrived(page, s3, small)
    assert [method for method in sent if method != "OPTIONS"] == [way.upper()]


def test_what_only_direct_uploads_need_is_loaded_by_the_first_of_them(
    page: Page, link: FaultProxy, s3: Moto, small: Path
) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    visit(page, link)
    assert not any("external.js" in url for url in loaded)

    choose(page, small)

    expect_arrived(page, s3, small)
    assert any("external.js" in url for url in loaded)


def test_several_files_go_side_by_side(page: Page, link: FaultProxy, s3: Moto, small: Path, tmp_path: Path) -> None:
    others = [random_file(tmp_path / f"{number}.dat", 200_000 + number, seed=number) for number in (3, 4)]
    visit(page, link)

    page.set_input_files(f"{INPUT}[dj-upload=file]", [small, *others])

    for path in (small, *others):
        expect_arrived(page, s3, path)


def test_what_is_not_of_its_type_is_refused_on_the_page(page: Page, link: FaultProxy, s3: Moto, tmp_path: Path) -> None:
    fake = tmp_path / "cute.png"
    fake.write_bytes(b"MZ" + bytes(5000))
    visit(page, link)
    keys = s3.keys()

    choose(page, fake)

    expect(row(page)).to_contain_text("This isn't the kind of file its name says.")
    expect(row(page)).to_have_attribute("data-status", "error")
    until(lambda: s3.keys() == keys)


def is_s3(request: Request) -> bool:
    return f"/{Moto.bucket}/" in request.url or request.url.endswith(f"/{Moto.bucket}")


def refuse(page: Page, times: int, status: int) -> list[str]:
    """S3 answers so, so often; the URLs that were asked for."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.continue_()
            return
        asked.append(route.request.url)
        if len(asked) <= times:
            route.fulfill(status=status, headers={"Access-Control-Allow-Origin": "*"}, body="<Error/>")
        else:
            route.continue_()

    page.route(re.compile(f"/{Moto.bucket}/"), answer)
    return asked


def test_a_permission_that_has_expired_is_renewed_once(
    page: Page, link: FaultProxy, s3: Moto, small: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    asked = refuse(page, times=1, status=403)

    choose(page, small)

    expect_arrived(page, s3, small)
    assert len(asked) == 2


def test_a_permission_that_is_refused_again_ends_the_upload(
    page: Page, link: FaultProxy, s3: Moto, small: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    asked = refuse(page, times=9, status=403)

    choose(page, small)

    expect(row(page)).to_contain_text("The file can't be stored right now.")
    assert len(asked) == 2
    assert s3.bucket not in page.locator("main").inner_text()


def test_a_storage_that_stumbles_is_asked_again(
    page: Page, link: FaultProxy, s3: Moto, small: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    asked = refuse(page, times=3, status=503)

    choose(page, small)

    expect_arrived(page, s3, small)
    assert len(asked) == 4


def test_a_lost_answer_does_not_lose_the_file(
    page: Page, link: FaultProxy, s3: Moto, small: Path, console: Console
) -> None:
    """The object is there, and S3 says so to whoever sends it again."""
    console.expect(LOST)
    visit(page, link)
    asked: list[str] = []

    def answer(route: Route) -> None:
        """Takes the first one in S3's place: a file's bytes can't be seen from here."""
        if route.request.method == "PUT" and not asked:
            asked.append(unquote(urlsplit(route.request.url).path).removeprefix(f"/{s3.bucket}/"))
            s3.client().put_object(Bucket=s3.bucket, Key=asked[0], Body=small.read_bytes())
            route.abort()
        else:
            route.continue_()

    page.route(re.compile(f"/{Moto.bucket}/"), answer)

    choose(page, small)

    expect_arrived(page, s3, small)
    assert len(asked) == 1


# -- An uploader of the page's own, and one that a page mints


def test_a_page_may_have_an_uploader_of_its_own(page: Page, link: FaultProxy, small: Path) -> None:
    visit(page, link)
    page.evaluate(
        """async () => {
            const { uploaders } = await import("/static/uploads/external.js");
            uploaders.set("Depot", async ({ file, grant, progress }) => {
                window.depot = [grant.name, (await file.arrayBuffer()).byteLength];
                progress(file.size);
            });
        }"""
    )

    page.set_input_files("#own", small)

    expect(page.locator("#owned li")).to_have_text("small.dat ready")
    assert page.evaluate("window.depot") == ["small.dat", 300_000]


def test_an_uploader_that_there_is_not_ends_the_upload(page: Page, link: FaultProxy, small: Path) -> None:
    visit(page, link)

    page.set_input_files("#own", small)

    expect(page.locator("#owned li")).to_have_text("small.dat rejected")


def test_a_page_mints_by_a_server_function(page: Page, link: FaultProxy, s3: Moto) -> None:
    visit(page, link)

    minted = page.evaluate(
        """async (size) => {
            const { send } = await import("/static/uploads/external.js");
            const file = new Blob([new Uint8Array(size).map((_, i) => i)]);
            const { ref, upload_id, external } = await liveview.call("mint", { name: "a.dat", size });
            await send(file, external, { sign: (parts) => liveview.call("sign", { ref, parts }) });
            await liveview.event("confirm", { ref });
            return upload_id;
        }""",
        3 * PART + 5,
    )

    expect(page.locator("#minted li")).to_have_text("a.dat ready")
    stored = s3.read(f"uploads/{minted}/a.dat")
    assert stored == (bytes(range(256)) * (len(stored) // 256 + 1))[: 3 * PART + 5]


# -- S3's event


def deliver(server: Server, message: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """As SNS does."""
    request = urllib.request.Request(
        f"{server.url}/webhooks/s3/", json.dumps(message).encode(), {"Content-Type": "text/plain; charset=UTF-8"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status), json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_the_genuine_event_updates_the_page_and_no_other_does(
    page: Page, link: FaultProxy, site: tuple[Server, FaultProxy], s3: Moto, signer: Signer
) -> None:
    server, _ = site
    visit(page, link)
    minted = page.evaluate(
        """async () => {
            const { send } = await import("/static/uploads/external.js");
            const minted = await liveview.call("mint", { name: "event.txt", size: 5 });
            await send(new Blob(["hello"]), minted.external);
            return minted;
        }"""
    )
    waiting = page.locator("#minted li")
    expect(waiting).to_have_text("event.txt registered")
    key = f"uploads/{minted['upload_id']}/event.txt"
    genuine = signer.notification(event(record(s3.bucket, key, 5)))
    others = signer.notification(event(record(s3.bucket, f"uploads/{minted['upload_id']}/other.txt", 5)))

    forged = deliver(server, {**genuine, "Message": others["Message"]})
    stranger = deliver(server, Signer().notification(event(record(s3.bucket, key, 5))))
    another = deliver(server, others)
    expect(waiting).to_have_text("event.txt registered")
    first, again = deliver(server, genuine), deliver(server, genuine)

    assert (forged[0], stranger[0]) == (403, 403)
    assert another == (200, {"ok": True, "completed": 0})
    assert first == (200, {"ok": True, "completed": 1})
    assert again == (200, {"ok": True, "completed": 0})
    expect(waiting).to_have_text("event.txt ready")
