"""The site on many machines that share no disk, behind HAProxy without stickiness: whatever can end does."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, expect

from e2e.support import media
from e2e.support.console import Console
from e2e.support.deployment import Web, Worker
from e2e.support.fleet import Fleet, at_once
from e2e.support.proxy import FaultProxy
from e2e.support.senders import Chunks, Direct, Page, Sender, Tus
from e2e.support.sending import INPUT, random_file, sha256
from e2e.support.venv import ROOT
from liveview.tests.ports import HOST
from liveview.tests.processes import until

NewContext = Callable[..., BrowserContext]
NewLine = Callable[..., FaultProxy]

pytestmark = pytest.mark.base(None)

LONG = 180.0  # seconds: a slow machine takes its time
SIZE = 24_000_000  # bytes of a file
RATE = 2_000_000  # bytes a second of a visitor's line
AGAIN = 10_000_000  # bytes that may be sent again for each loss: a tenth of a file of 100 MB
EARLIER = "a792c12"  # a version that staged on the disk, and had no workers
AWAY = 3.0  # seconds for which Redis and the bucket are
SEEDS = count()  # the fleet keeps what came before, so no two files are the same


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
    return (media.padded(tmp_path / f"{uuid4()}.mp4", SIZE, seed) for seed in SEEDS)


def visit(new_context: NewContext, line: FaultProxy, path: Path, kind: type[Page] = Page) -> Page:
    page = new_context().new_page()
    page.goto(f"{line.url}/videos/")
    expect(page.locator("html.live-connected")).to_be_attached()
    return kind(line, path, page, lambda path: page.set_input_files(INPUT, path))


def all_done(senders: list[Sender]) -> None:
    """Nothing more happens to them: their lines needn't be slow any longer."""
    for sender in senders:
        sender.line.rate = None
    until(lambda: all(sender.is_done for sender in senders), within=LONG, every=0.1)


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
    parcel = Chunks(new_line(), random_file(tmp_path / "parcel.dat", SIZE, next(SEEDS)))
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
    assert fleet.received().count(sha256(parcel.path)) == 1
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
    pages = [visit(new_context, new_line(), next(films), Direct) for _ in range(2)]
    fleet.bucket.on("PUT", "partNumber", lambda _request: time.sleep(3))
    for page in pages:
        page.begin()
    until(lambda: all(page.sent for page in pages), within=LONG)

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


# -- A new version


def test_a_page_of_one_version_finds_its_files_in_processes_of_the_other(
    fleet: Fleet, new_line: NewLine, new_context: NewContext, console: Console, tmp_path: Path
) -> None:
    """While they run side by side, a page of either asks both for its styles and modules."""
    copy = tmp_path / "next"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "e2e", "var", "__pycache__"))
    for path in copy.glob("apps/*/static/*/*"):
        if path.suffix in (".css", ".js"):
            path.write_text(path.read_text() + "/* the next version */")
    before, old = fleet.deployment, fleet.webs[1]
    fleet.deploy(copy)
    fleet.webs[0].terminate()
    fleet.webs[0].wait()
    new = fleet.replace(fleet.webs[0])

    for of, other, asked in ((before, fleet.deployment, new), (fleet.deployment, before, old)):
        files = {name: path for name, path in of.hashed().items() if name not in other.hashed()}
        assert {name.split("/")[0] for name in files} >= {"liveview", "uploads", "videos"}
        until(lambda files=files, asked=asked: all(is_served(asked, *each) for each in files.items()), within=LONG)
    for _ in range(3):  # any of its files comes from any process
        new_context().new_page().goto(f"{new_line(rate=None).url}/videos/")
    console.stop()


def is_served(web: Web, name: str, path: Path) -> bool:
    try:
        with urllib.request.urlopen(f"{web.url}/static/{name}", timeout=60) as answer:
            return bool(answer.read() == path.read_bytes())
    except urllib.error.HTTPError:
        return False


@pytest.fixture
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the earlier version."""
    folder = tmp_path_factory.mktemp("earlier")
    known = subprocess.run(["git", "cat-file", "-e", f"{EARLIER}^{{commit}}"], cwd=ROOT, capture_output=True)
    if known.returncode:
        pytest.skip(f"this clone doesn't have the commit {EARLIER}")
    archive = subprocess.run(["git", "archive", EARLIER], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    return folder


def test_uploads_that_an_earlier_version_has_parked_go_on_or_start_over_in_this_one(
    earlier: Path, new_context: NewContext, console: Console, tmp_path: Path
) -> None:
    """A host replaces one process after the other. One keeps its disk, the others don't."""
    # Neither had the earlier version a place where others find its files, nor does it look for any there.
    console.expect("WebSocket connection|Failed to load resource|Refused to apply style|dynamically imported module")
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(tmp_path, workers=0, version=earlier))
        kept, *lost = fleet.webs

        def line(web: Web) -> FaultProxy:
            return stack.enter_context(FaultProxy(HOST, web.port, rate=RATE))

        films = (media.padded(tmp_path / f"{number}.mp4", SIZE // 2, number) for number in count())
        parcel = random_file(tmp_path / "parcel.dat", SIZE // 2)
        going_on = [visit(new_context, line(kept), next(films)), Tus(line(kept), next(films))]
        others = [visit(new_context, line(lost[0]), next(films)), Tus(line(lost[1]), next(films))]
        parcels = [Chunks(line(web), parcel) for web in (kept, lost[1])]
        senders: list[Sender] = [*going_on, *others, *parcels]
        for sender in senders:
            sender.begin()
        park(senders, 1 / 4)

        fleet.deploy()
        kept.terminate()
        kept.wait()
        fleet.replace(kept, disk=kept.disk)
        for sender in [*others, *parcels]:
            sender.line.target = (HOST, fleet.haproxy.port)  # to whichever version
        for sender in senders:
            sender.line.refuse = False
        park(senders, 1 / 2)
        lost[0].vanish()
        lost[1].terminate()
        lost[1].wait()
        *_, worker = at_once(*(partial(fleet.replace, web) for web in lost), fleet.deployment.worker)
        fleet.workers.append(worker)
        for sender in senders:
            sender.line.target, sender.line.refuse = (HOST, fleet.haproxy.port), False
        all_done(senders)

        filmed = [*going_on, *others]
        expect_films(fleet, [sender.path for sender in filmed])
        assert fleet.received() == [sha256(parcel)] * 2
        assert not any(sender.restarts for sender in going_on)
        fleet.expire()  # the chunks of those that have started over
        expect_nothing_left(fleet)
        console.stop()


def park(senders: list[Sender], share: float) -> None:
    """Each sends so much of its file, and then its line is cut and lets nobody through."""
    going = list(senders)

    def are_parked() -> bool:
        for sender in [each for each in going if each.line.bytes_up > share * each.size]:
            sender.line.refuse = True
            sender.line.cut()
            going.remove(sender)
        return not going

    until(are_parked, within=LONG)
