"""The site on many machines that share no disk, behind HAProxy without stickiness: whatever can end does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, expect

from e2e.support import media
from e2e.support.console import Console
from e2e.support.deployment import Worker
from e2e.support.fleet import Fleet
from e2e.support.proxy import FaultProxy
from e2e.support.senders import Chunks, Page, Sender, Tus
from e2e.support.sending import INPUT, random_file, sha256
from liveview.tests.ports import HOST
from liveview.tests.processes import until

NewContext = Callable[..., BrowserContext]
NewLine = Callable[..., FaultProxy]

pytestmark = pytest.mark.base(None)

LONG = 180.0  # seconds: a slow machine takes its time
SIZE = 24_000_000  # bytes of a file
RATE = 2_000_000  # bytes a second of a visitor's line
AGAIN = 10_000_000  # bytes that may be sent again for each loss: a tenth of a file of 100 MB
AWAY = 3.0  # seconds for which Redis and the bucket are


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet"), LIVEVIEW_JOB_LEASE="6") as fleet:
        yield fleet


@pytest.fixture
def new_line(fleet: Fleet) -> Iterator[NewLine]:
    """Makes visitors' own lines to the fleet."""
    with ExitStack() as stack:
        yield lambda rate=RATE: stack.enter_context(FaultProxy(HOST, fleet.haproxy.port, rate=rate))


@pytest.fixture
def films(tmp_path: Path) -> Iterator[Path]:
    return (media.padded(tmp_path / f"{uuid4()}.mp4", SIZE, seed) for seed in count())


def visit(new_context: NewContext, line: FaultProxy, path: Path) -> Page:
    page = new_context().new_page()
    page.goto(f"{line.url}/videos/")
    expect(page.locator("html.live-connected")).to_be_attached()
    return Page(line, path, page, lambda path: page.set_input_files(INPUT, path))


def all_done(senders: list[Sender]) -> None:
    until(lambda: all(sender.is_done for sender in senders), within=LONG)


def expect_films(fleet: Fleet, sent: list[Path]) -> None:
    """They were received as they were sent, and made films of."""
    wanted = dict.fromkeys(map(sha256, sent), "ready")
    until(lambda: wanted.items() <= fleet.films().items(), within=LONG, every=0.2)


def expect_nothing_left(fleet: Fleet) -> None:
    """Requests that have ended just now may take a moment to be over."""
    for _ in range(5):
        if not (left := fleet.left()):
            return
        time.sleep(1)
    assert not left


def test_web_processes_redis_and_the_bucket_may_go_while_files_arrive_in_every_way(
    fleet: Fleet, new_line: NewLine, new_context: NewContext, console: Console, films: Iterator[Path], tmp_path: Path
) -> None:
    console.expect("WebSocket connection|Failed to load resource")
    pages = [visit(new_context, new_line(), next(films)) for _ in range(2)]
    filmed = [*pages, *(Tus(new_line(), next(films)) for _ in range(2))]
    parcel = Chunks(new_line(), random_file(tmp_path / "parcel.dat", SIZE))
    senders: list[Sender] = [*filmed, parcel]
    for sender in senders:
        sender.begin()
    until(lambda: all(sender.line.bytes_up > SIZE / 6 for sender in senders), within=LONG)

    def lose_redis() -> None:
        fleet.redis.kill()
        time.sleep(AWAY)
        fleet.redis.start()

    def lose_bucket() -> None:
        fleet.lose_bucket()
        time.sleep(AWAY)
        fleet.bucket.clear()

    for sender in senders:
        sender.line.cut()
    for web, lose in zip(list(fleet.webs), (lose_redis, lose_bucket, lambda: None), strict=True):
        killed = time.time()
        web.vanish()
        lose()
        fleet.replace(web)
        until(lambda: all(page.moved_after(killed) < LONG for page in pages), within=LONG)  # noqa: B023
    all_done(senders)

    for sender in senders:
        assert sender.losses >= 1, sender
        assert sender.sent < sender.size + AGAIN * sender.losses, sender
    assert not any(sender.restarts for sender in [*filmed[2:], parcel])
    expect_films(fleet, [sender.path for sender in filmed])
    assert fleet.received() == [sha256(parcel.path)]
    expect_nothing_left(fleet)
    console.stop()


def test_a_worker_that_dies_over_a_film_leaves_it_to_another(
    fleet: Fleet, new_line: NewLine, films: Iterator[Path]
) -> None:
    """And to itself, once it is there again: it has lost its disk, too."""
    reached = threading.Semaphore(0)
    go = threading.Event()

    def hold(_request: object) -> None:
        reached.release()
        go.wait(LONG)

    fleet.bucket.on("GET", "/received/", hold, times=2)
    senders: list[Sender] = [Tus(new_line(rate=None), next(films)) for _ in range(2)]
    for sender in senders:
        sender.begin()
    all_done(senders)
    for _ in fleet.workers:  # each is in the middle of one
        assert reached.acquire(timeout=LONG)

    victim: Worker = fleet.workers[0]
    victim.vanish()
    go.set()
    victim.start()

    expect_films(fleet, [sender.path for sender in senders])
    assert sorted(fleet.rows("SELECT attempts FROM videos_video ORDER BY id DESC LIMIT 2")) == [(1,), (2,)]
    expect_nothing_left(fleet)


def test_what_browsers_send_straight_into_the_bucket_arrives_through_all_of_it(
    fleet: Fleet, new_line: NewLine, new_context: NewContext, console: Console, films: Iterator[Path]
) -> None:
    """The setting came with a rolling restart: each process was asked to stop and replaced by one that has it."""
    console.expect("WebSocket connection|Failed to load resource")
    for web in list(fleet.webs):
        web.terminate()
        web.wait()
        fleet.replace(web, UPLOADS_DIRECT="video")
    pages = [visit(new_context, new_line(), next(films)) for _ in range(2)]
    fleet.bucket.seen.clear()
    fleet.bucket.on("PUT", "partNumber", lambda _request: time.sleep(3))
    for page in pages:
        page.begin()
    until(lambda: fleet.bucket.count("PUT", "partNumber"), within=LONG)

    for page in pages:
        page.line.cut()
    for web in list(fleet.webs):
        web.vanish()
        fleet.replace(web, UPLOADS_DIRECT="video")
    fleet.lose_bucket()
    time.sleep(AWAY)
    fleet.bucket.clear()
    all_done(list(pages))

    expect_films(fleet, [page.path for page in pages])
    assert all(page.line.bytes_up < SIZE / 10 for page in pages)
    expect_nothing_left(fleet)
    console.stop()
