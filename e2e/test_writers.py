"""A large film goes from a browser through the server into S3, whatever happens to the network and the server."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.lab.fixtures import SETTINGS
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy, link_to
from e2e.support.server import Server
from liveview.tests.processes import Start, until
from liveview.tests.redis import Redis
from uploads.tests.faults import S3Faults, status
from uploads.tests.moto import Moto

NewContext = Callable[..., BrowserContext]

SIZE = 60_000_000
PART = 8 * 1024 * 1024
WINDOW = 8 * 1024 * 1024  # bytes that may be between browser and server
LONG = 120_000  # ms: a slow machine takes its time
INPUT = "[dj-upload=film]"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.mp4x"
    with path.open("wb") as file:
        for number in range(60):
            file.write(random.Random(number).randbytes(SIZE // 60))
    return path


@pytest.fixture(scope="module")
def sha256(film: Path) -> str:
    return hashlib.sha256(film.read_bytes()).hexdigest()


@pytest.fixture
def moto(start: Start) -> Moto:
    moto: Moto = start(Moto)
    moto.client().create_bucket(Bucket="my-bucket")  # of the seeds' sample
    return moto


@pytest.fixture
def s3(moto: Moto) -> Iterator[S3Faults]:
    with S3Faults(moto.url) as s3:
        yield s3


class Site(Server):
    """Its hosts have a database in common, and no disk."""

    def __init__(self, folder: Path, extra: dict[str, str]) -> None:
        shared = folder / "shared.sqlite3"
        super().__init__(folder, extra={**SETTINGS, "DATABASE_URL": f"sqlite:///{shared}", **extra})
        self.database = shared

    def replace_by_another_host(self, killed: Event) -> None:
        """Kills the server; another one, with another disk, answers in its place."""
        self.kill()
        killed.set()
        self.data_dir = self.folder / "another disk"
        self.data_dir.mkdir()
        self.env["DATA_DIR"] = str(self.data_dir)
        self.start()


@pytest.fixture
def site(moto: Moto, s3: S3Faults, start: Start) -> Site:
    site: Site = start(Site, extra=moto.environment(s3.url))
    return site


link = link_to("site", expected="WebSocket connection|Failed to load resource")


@pytest.fixture
def visitor(page: Page, link: FaultProxy) -> Iterator[Page]:
    yield page
    page.close()


def visit(page: Page, link: FaultProxy, query: str = "") -> None:
    page.goto(f"{link.url}/lab/writing/{query}")
    expect(page.locator("html.live-connected")).to_be_attached()


def key_of(page: Page) -> str:
    """The key of what has been stored; waits for it."""
    url = page.locator("#stored span")
    expect(url).to_be_visible(timeout=LONG)
    return "uploads/" + url.inner_text().split("uploads/", 1)[1]


def hold_fourth_part(s3: S3Faults) -> Event:
    """The upload can't be complete before the event is set."""
    let_go = Event()

    def hold(_request: object) -> None:
        let_go.wait(90)

    s3.on("PUT", "partNumber=4", hold, times=1)
    return let_go


def expect_whole(page: Page, moto: Moto, sha256: str, bucket: str = "") -> None:
    """The bucket has the very file, the page says so, and nothing else is left."""
    key = key_of(page)
    assert hashlib.sha256(moto.read(key, bucket)).hexdigest() == sha256
    assert moto.keys(bucket) == [key]
    assert moto.unfinished(bucket) == []
    expect(page.locator("#stored code")).to_have_text(sha256)


def test_a_film_survives_a_cut_on_its_way_into_s3(
    visitor: Page, link: FaultProxy, s3: S3Faults, moto: Moto, film: Path, sha256: str
) -> None:
    visit(visitor, link)
    visitor.evaluate(
        """() => {
            window.statuses = [];
            window.least = [];
            addEventListener("djust:upload:progress", ({ detail }) => {
                statuses.push(detail.status);
                if (statuses.includes("resuming")) least.push(detail.bytes);
            });
        }"""
    )
    link.rate = 30_000_000
    link.cut_after = link.bytes_up + SIZE // 2

    visitor.set_input_files(INPUT, film)

    expect_whole(visitor, moto, sha256)
    assert link.cuts == 1
    assert "resuming" in visitor.evaluate("statuses")
    assert s3.count("POST", "?uploads") == 1
    # All but what was between browser and server had been written, and its whole parts are not sent again.
    assert visitor.evaluate("Math.min(...least)") >= (SIZE // 2 - WINDOW) // PART * PART


def test_a_film_survives_the_death_of_the_server(
    visitor: Page, site: Site, link: FaultProxy, s3: S3Faults, moto: Moto, film: Path, sha256: str
) -> None:
    visit(visitor, link)
    killed = hold_fourth_part(s3)
    visitor.set_input_files(INPUT, film)
    until(lambda: s3.count("PUT", "partNumber=4"), within=90)

    site.kill()
    killed.set()
    site.start()

    expect_whole(visitor, moto, sha256)
    assert s3.count("POST", "?uploads") == 1


def test_a_film_goes_on_on_another_host(
    page: Page, moto: Moto, s3: S3Faults, start: Start, console: Console, film: Path, sha256: str
) -> None:
    """They have Redis, a database and the bucket in common, and no disk."""
    console.expect("WebSocket connection|Failed to load resource")
    site: Site = start(Site, extra={**moto.environment(s3.url), "REDIS_URL": start(Redis).url})
    with FaultProxy(site.host, site.port) as link:
        visit(page, link)
        killed = hold_fourth_part(s3)
        page.set_input_files(INPUT, film)
        until(lambda: s3.count("PUT", "partNumber=4"), within=90)

        site.replace_by_another_host(killed)

        expect_whole(page, moto, sha256)
        assert s3.count("POST", "?uploads") == 1
        page.close()
        console.stop()


def test_the_samples_writer_survives_a_cut(
    visitor: Page, link: FaultProxy, s3: S3Faults, moto: Moto, film: Path, sha256: str
) -> None:
    visit(visitor, link, "?sample")
    link.rate = 30_000_000
    link.cut_after = link.bytes_up + SIZE // 2

    visitor.set_input_files(INPUT, film)

    expect_whole(visitor, moto, sha256, "my-bucket")
    assert link.cuts == 1
    assert s3.count("POST", "?uploads") == 1


def test_a_film_that_is_cancelled_leaves_nothing(
    visitor: Page, link: FaultProxy, s3: S3Faults, moto: Moto, film: Path
) -> None:
    visit(visitor, link)
    held = hold_fourth_part(s3)
    visitor.set_input_files(INPUT, film)
    until(lambda: s3.count("PUT", "partNumber=4"), within=90)
    assert len(moto.unfinished()) == 1

    visitor.locator("#rows [dj-upload-cancel]").click()
    expect(visitor.locator("#rows [dj-upload-cancel]")).to_have_count(0)
    held.set()

    until(lambda: moto.unfinished() == [], within=90)
    assert moto.keys() == []


def test_a_bucket_that_refuses_is_told_to_the_visitor_and_named_to_nobody(
    visitor: Page, link: FaultProxy, s3: S3Faults, moto: Moto, film: Path
) -> None:
    s3.on("PUT", "partNumber=2", status(403, "AccessDenied"))
    visit(visitor, link)

    visitor.set_input_files(INPUT, film)

    expect(visitor.locator("body")).to_contain_text("can't be stored right now", timeout=LONG)
    assert moto.bucket not in visitor.content()
    assert "secret" not in visitor.content()
    until(lambda: moto.unfinished() == [], within=90)
    assert moto.keys() == []
