"""The site as a host runs it: PostgreSQL, Redis, a bucket, two web processes behind a balancer, and one that dies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from e2e.support import media
from e2e.support.balancer import Balancer
from e2e.support.behind import asked, knocked
from e2e.support.console import Console
from e2e.support.deployment import Deployment, Web, Worker
from e2e.support.pictures import photo
from e2e.support.postgres import Postgres
from e2e.support.proxy import FaultProxy, link_to
from e2e.support.sending import sha256
from e2e.support.venv import ROOT, kept
from liveview.tests.processes import served, until
from liveview.tests.redis import Redis
from uploads.s3.cors import rule
from uploads.tests.faults import Request, S3Faults, reset
from uploads.tests.moto import Moto

NewContext = Callable[..., BrowserContext]

pytestmark = pytest.mark.base(None)

LONG = 90_000  # ms: a slow machine takes its time
SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
NAME = "Mein Geheimnis.mp4"
MIB = 2**20
SERVICE_RESTART = 1012  # a socket's close code


redis = served(Redis)
bucket = served(Moto)
slow = link_to("balancer")  # the visitor's own line


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def deployment(postgres: Postgres, redis: Redis, bucket: Moto, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Built and released."""
    folder = tmp_path_factory.mktemp("deployment")
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    venv = kept("deployment", sys.executable, pins)
    config = {
        "SECRET_KEY": SECRET,
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": postgres.url,
        "DATABASE_POOL": "8",
        "REDIS_URL": redis.url,
        "AWS_STORAGE_BUCKET_NAME": bucket.bucket,
        "AWS_S3_ENDPOINT_URL": bucket.url,
        "AWS_S3_ADDRESSING_STYLE": "path",
        "AWS_S3_REGION_NAME": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "METRICS": "1",
        "METRICS_TOKEN": SECRET,
    }
    made = Deployment(venv, folder, config)
    made.manage("collectstatic", "--noinput")
    assert "Applying videos.0001_initial" in made.release()
    return made


@pytest.fixture(scope="module")
def webs(deployment: Deployment) -> Iterator[list[Web]]:
    """The web processes that run."""
    running = [deployment.web(), deployment.web()]
    yield running
    for web in running:
        web.kill()


@pytest.fixture(scope="module")
def balancer(webs: list[Web]) -> Iterator[Balancer]:
    with Balancer([web.port for web in webs]) as balancer:
        yield balancer


@pytest.fixture
def page(page: Page, balancer: Balancer, console: Console) -> Iterator[Page]:
    yield page
    console.stop()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return media.padded(tmp_path_factory.mktemp("films") / NAME, 40_000_000)


def visit(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("html.live-connected")).to_be_attached()


def rows(postgres: Postgres, query: str, *given: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres.url) as connection:
        return connection.execute(query, given).fetchall()  # type: ignore[call-overload,no-any-return]


def fetched(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as response:
        body: bytes = response.read()
        return body


def told(webs: list[Web], event: str) -> list[dict[str, Any]]:
    """What these processes have logged of uploads."""
    return [line for web in webs for line in web.lines() if line.get("event") == event]


# -- Built and released


def test_what_is_deployed_passes_djangos_check_for_it(deployment: Deployment) -> None:
    told = deployment.manage("check", "--deploy", "--database", "default", "--fail-level", "WARNING", HTTPS="1")

    assert "no issues" in told


def test_every_process_is_alive_ready_and_measured(webs: list[Web]) -> None:
    for web in webs:
        assert fetched(f"{web.url}/healthz") == b"ok\n"
        assert json.loads(fetched(f"{web.url}/readyz")) == {
            "database": "ok",
            "cache": "ok",
            "storage": "ok",
            "jobs": "ok",
        }
        assert b"uploads_seconds" in fetched(f"{web.url}/metrics", Authorization=f"Bearer {SECRET}")


def test_behind_a_proxy_that_speaks_https_nothing_else_is_spoken(deployment: Deployment) -> None:
    web = deployment.web(HTTPS="1", ALLOWED_HOSTS="uplift.example")
    try:
        plain = asked(web.port, "/", "http")
        assert (plain.status, plain.headers["Location"]) == (301, "https://uplift.example/")
        assert asked(web.port, "/healthz", "http").status == 200

        secure = asked(web.port, "/videos/", "https")
        assert secure.status == 200
        assert secure.headers["Strict-Transport-Security"] == "max-age=3600"
        cookies = secure.headers.get_all("Set-Cookie") or []
        assert cookies and all("Secure" in cookie for cookie in cookies)

        assert knocked(web.port, "https://uplift.example") == 101
        assert knocked(web.port, "http://uplift.example") == 403
    finally:
        web.kill()


# -- Everything in its place


def test_a_picture_goes_into_the_bucket_and_is_shown_from_there(
    page: Page, balancer: Balancer, postgres: Postgres, bucket: Moto, tmp_path: Path
) -> None:
    visit(page, f"{balancer.url}/avatars/")
    picture = photo(tmp_path / "me.jpg", (600, 400))

    page.set_input_files("input[name=avatar]", picture)
    page.get_by_role("button", name="Save avatar").click()
    image = page.locator("img.avatar")
    expect(image).to_be_visible()

    src = str(image.get_attribute("src"))
    ((key, digest),) = rows(postgres, "SELECT image, sha256 FROM avatars_avatar")
    assert digest == sha256(picture)
    assert src.startswith(f"{bucket.url}/{bucket.bucket}/{key}?") and "X-Amz-Signature=" in src
    assert fetched(src) == bucket.read(key)
    page.wait_for_function("document.querySelector('img.avatar').naturalWidth === 600")


def test_photos_appear_in_a_tab_that_another_process_serves(
    page: Page, new_context: NewContext, webs: list[Web], postgres: Postgres, tmp_path: Path
) -> None:
    stranger = new_context().new_page()
    visit(stranger, f"{webs[0].url}/gallery/")
    visit(page, f"{webs[1].url}/gallery/")
    photos = [photo(tmp_path / f"{number}.jpg", (600, 400), seed=number) for number in range(3)]

    page.set_input_files("input[name=photos]", photos)

    until(lambda: _let_in(stranger) == 3, within=LONG / 1000)
    stranger.wait_for_function(
        "[...document.querySelectorAll('#photos img')].every((image) => image.loading === 'lazy' || image.naturalWidth)"
    )
    stored = rows(postgres, "SELECT sha256 FROM gallery_photo")
    assert sorted(digest for (digest,) in stored) == sorted(map(sha256, photos))
    assert not list(_local_media(webs))
    stranger.close()


def _let_in(page: Page) -> int:
    """How many photos there are, with those of others, which wait behind a button so that they push nothing."""
    page.evaluate("document.querySelector('#new-photos')?.click()")
    return page.locator("#photos img").count()


def _local_media(webs: list[Web]) -> Iterator[Path]:
    """Files that were published on this machine's disk instead of in the bucket."""
    return (path for web in webs for path in (web.disk / "media").rglob("*") if path.is_file())


def test_the_state_of_uploads_is_as_safe_in_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    """The tests of the stores, with their races, run against a file of SQLite otherwise."""
    environment = {**os.environ, "DATABASE_URL": postgres.url, "TMPDIR": str(tmp_path)}
    tests = "apps/uploads/tests/stores/test_stores.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]

    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    assert done.returncode == 0, done.stdout


# -- Processes that end


def test_an_upload_goes_on_in_the_other_process_when_its_own_is_killed(
    page: Page,
    slow: FaultProxy,
    balancer: Balancer,
    webs: list[Web],
    deployment: Deployment,
    console: Console,
    postgres: Postgres,
    bucket: Moto,
    film: Path,
) -> None:
    console.expect("WebSocket connection|Failed to load resource")
    before = _newest(postgres)
    victim = _send_a_part(page, slow, balancer, webs, film)

    victim.vanish()
    _replace(victim, webs, balancer, deployment)

    key = _arrived(page, slow, postgres, film, before)
    source = str(page.locator("li.video source").first.get_attribute("src"))
    assert source.startswith(f"{bucket.url}/{bucket.bucket}/{key}?")
    video = page.locator("li.video video").first.element_handle()
    page.evaluate("(video) => { video.preload = 'auto'; video.load(); }", video)
    page.wait_for_function("(video) => video.readyState >= 2 && Math.round(video.duration) === 2", arg=video)
    until(lambda: _is_clean(bucket))
    assert max(line["bytes"] for line in until(lambda: told(webs, "resumed"))) > MIB


def test_a_process_that_is_asked_to_stop_hands_its_visitors_over(
    page: Page,
    slow: FaultProxy,
    balancer: Balancer,
    webs: list[Web],
    deployment: Deployment,
    console: Console,
    postgres: Postgres,
    film: Path,
) -> None:
    console.expect("WebSocket connection|Failed to load resource")
    before = _newest(postgres)
    leaving = _send_a_part(page, slow, balancer, webs, film)

    leaving.terminate()
    leaving.wait()
    _replace(leaving, webs, balancer, deployment)

    _arrived(page, slow, postgres, film, before)
    assert page.evaluate("closes[0]") == SERVICE_RESTART
    assert told([leaving], "interrupted")


def test_a_video_goes_straight_into_the_bucket_where_a_setting_says_so(
    page: Page, deployment: Deployment, console: Console, postgres: Postgres, bucket: Moto, film: Path
) -> None:
    """And is checked, hashed and processed as any."""
    web = deployment.web(UPLOADS_DIRECT="video")
    bucket.client().put_bucket_cors(Bucket=bucket.bucket, CORSConfiguration={"CORSRules": [rule([web.url])]})
    parts: list[str] = []
    page.on("request", lambda request: request.method == "PUT" and parts.append(request.url))
    before = _newest(postgres)
    try:
        visit(page, f"{web.url}/videos/")
        page.set_input_files("input[name=video]", film)
        mine = "SELECT sha256, status FROM videos_video WHERE status <> 'processing' AND id > %s"
        ((digest, status),) = until(lambda: rows(postgres, mine, before), within=LONG / 1000)
        # For all others
        until(lambda: _is_clean(bucket) and "received/" not in str(bucket.keys()), within=LONG / 1000, every=0.2)
    finally:
        console.stop()
        web.kill()

    page.evaluate("1")  # lets Playwright tell of the requests
    assert (digest, status) == (sha256(film), "ready")
    assert len(parts) == -(-film.stat().st_size // (8 * MIB))
    assert all(part.startswith(f"{bucket.url}/{bucket.bucket}/uploads/staged/") for part in parts)


# -- Workers


class Gate:
    """Somebody's requests wait here until they are let go on, and then fail."""

    def __init__(self) -> None:
        self.reached, self.is_open = threading.Event(), threading.Event()

    def __call__(self, request: Request) -> None:
        self.reached.set()
        self.is_open.wait(LONG / 1000)
        reset(request)


@pytest.fixture(scope="module")
def crew(deployment: Deployment, postgres: Postgres, redis: Redis) -> Deployment:
    """Another site of that code, whose films workers process."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE crew")
    own = {
        "DATABASE_URL": postgres.url.removesuffix("postgres") + "crew",
        "REDIS_URL": redis.url.removesuffix("0") + "1",
        "JOBS": "procrastinate",
        "LIVEVIEW_JOB_LEASE": "3",
        "LIVEVIEW_JOB_GRACE": "0.5",
    }
    made = Deployment(deployment.venv, deployment.folder, {**deployment.environment, **own})
    made.release()
    return made


def test_a_film_is_processed_by_whichever_worker_lives_and_the_page_is_told(
    page: Page, crew: Deployment, console: Console, bucket: Moto, film: Path
) -> None:
    """One is killed in the middle, one is asked to stop, a third does it. The page is never loaded again."""
    url = crew.environment["DATABASE_URL"]
    running: list[Web] = []

    def facts() -> tuple[Any, ...]:
        with psycopg.connect(url) as connection:
            newest = "SELECT status, attempts, sha256, file FROM videos_video ORDER BY id DESC LIMIT 1"
            return connection.execute(newest).fetchone() or ()

    with ExitStack() as stack:
        stack.callback(lambda: [each.kill() for each in running])
        stack.callback(console.stop)
        faults = stack.enter_context(S3Faults(bucket.url))
        running.append(web := crew.web())
        page.add_init_script("sessionStorage.loads = 1 + Number(sessionStorage.loads || 0)")
        visit(page, f"{web.url}/videos/")
        page.set_input_files("input[name=video]", film)
        expect(page.locator("li.video").first).to_contain_text("Processing…", timeout=LONG)

        for end in ("kill", "terminate"):
            faults.on("GET", "/received/", gate := Gate())
            running.append(worker := crew.worker(AWS_S3_ENDPOINT_URL=faults.url))
            assert gate.reached.wait(LONG / 1000)
            getattr(worker, end)()
            if end == "terminate":
                until(lambda worker=worker: "back to the queue" in worker.log_text(), within=30)
            gate.is_open.set()
            if end == "terminate":
                worker.wait()
            assert facts()[0] == "processing"
        running.append(crew.worker())

        source = page.locator("li.video").first.locator("source")
        expect(source).to_be_attached(timeout=LONG)
        status, attempts, digest, key = facts()
        assert (status, digest) == ("ready", sha256(film))
        assert attempts == 2  # the one that was handed back isn't held against it
        assert key in str(source.get_attribute("src")) and page.evaluate("sessionStorage.loads") == "1"
        until(lambda: _is_clean(bucket) and "received/" not in str(bucket.keys()), within=LONG / 1000, every=0.2)


@pytest.mark.parametrize("jobs", ["threads", "procrastinate"])
def test_a_film_that_kills_whoever_is_at_it_is_given_up_and_its_visitor_told(
    page: Page, crew: Deployment, console: Console, bucket: Moto, tmp_path: Path, jobs: str
) -> None:
    """The web process itself, or each worker. Whoever lives does the next one."""
    console.expect("WebSocket connection|Failed to load resource")
    names = [f"{name}-{os.urandom(4).hex()}.mp4" for name in ("poisoned", "sound")]  # of another try there may be some
    poisoned, sound = (media.padded(tmp_path / name, 1_000_000) for name in names)
    before = _waiting(bucket)
    with ExitStack() as stack:
        stack.callback(console.stop)
        faults = stack.enter_context(S3Faults(bucket.url))
        running = [web := Web(crew, {"JOBS": jobs, "AWS_S3_ENDPOINT_URL": faults.url})]
        if jobs == "procrastinate":
            running.append(Worker(crew, {"AWS_S3_ENDPOINT_URL": faults.url}))
        stack.callback(lambda: [each.kill() for each in running])
        victim = running[-1]
        web.start()
        visit(page, f"{web.url}/videos/")
        gates = [Gate(), Gate()]
        for gate in gates:
            faults.on("GET", "/received/", gate, times=1)
        page.set_input_files("input[name=video]", poisoned)
        for gate in reversed(gates):  # the latest comes first
            if victim is not web or gate is gates[0]:
                victim.start()
            assert gate.reached.wait(LONG / 1000)
            # What a process was still to remove when it was killed is the janitor's, hours later.
            until(lambda: "uploads/" not in str(_waiting(bucket) - before), within=LONG / 1000, every=0.2)
            victim.kill()
            gate.is_open.set()
        victim.start()

        told = page.locator("li.video", has_text=poisoned.stem)
        expect(told).to_contain_text("send it again", timeout=LONG)
        expect(page.locator("html.live-connected")).to_be_attached(timeout=LONG)
        page.set_input_files("input[name=video]", sound)
        expect(page.locator("li.video", has_text=sound.stem).locator("source")).to_be_attached(timeout=LONG)
        expect(told).to_contain_text("send it again")
        assert faults.count("GET", "/received/") == 3
        until(lambda: _waiting(bucket) <= before, within=LONG / 1000, every=0.2)


def _newest(postgres: Postgres) -> int:
    """The number of the last film that there is."""
    ((newest,),) = rows(postgres, "SELECT coalesce(max(id), 0) FROM videos_video")
    return int(newest)


def _is_clean(bucket: Moto) -> bool:
    """Nothing in the bucket waits for anybody."""
    return not bucket.unfinished() and "uploads/" not in str(bucket.keys())


def _waiting(bucket: Moto) -> set[str]:
    """What in the bucket waits for somebody: the keys of objects, and of uploads that aren't whole."""
    keys = bucket.keys()
    return {key for key in keys if key.startswith(("uploads/", "received/"))} | set(bucket.unfinished())


def _send_a_part(page: Page, slow: FaultProxy, balancer: Balancer, webs: list[Web], film: Path) -> Web:
    """Begins to send a film; the process that has a third of it."""
    page.add_init_script(
        """
        window.closes = [];
        window.WebSocket = class extends WebSocket {
            constructor(...given) {
                super(...given);
                this.addEventListener("close", ({ code }) => closes.push(code));
            }
        };
        """
    )
    visit(page, f"{slow.url}/videos/")
    page.evaluate(
        """() => {
            window.statuses = [];
            addEventListener("djust:upload:progress", ({ detail }) => {
                statuses.push(detail.status);
                window.sent = detail.bytes;
            });
        }"""
    )
    slow.rate = 3_000_000
    balancer.bytes_up.clear()
    page.set_input_files("input[name=video]", film)
    until(lambda: page.evaluate("window.sent || 0") > film.stat().st_size / 3, within=90)
    ((port, _bytes),) = balancer.bytes_up.most_common(1)
    return next(web for web in webs if web.port == port)


def _replace(gone: Web, webs: list[Web], balancer: Balancer, deployment: Deployment) -> None:
    """As a host does: another process takes the place of one that has ended. Visitors don't wait for it."""
    balancer.ports = [port for port in balancer.ports if port != gone.port]
    webs[webs.index(gone)] = deployment.web()
    balancer.ports = [web.port for web in webs]


def _arrived(page: Page, slow: FaultProxy, postgres: Postgres, film: Path, before: int) -> str:
    """Waits until another film is there, whole, and was resumed on its way; the key of what was made of it."""
    slow.rate = None
    mine = "SELECT sha256, status, file FROM videos_video WHERE status <> 'processing' AND id > %s ORDER BY id"
    ((digest, status, key),) = until(lambda: rows(postgres, mine, before), within=LONG / 1000)
    assert (digest, status) == (sha256(film), "ready")
    assert "resuming" in page.evaluate("statuses")
    expect(page.locator("li.video").first.locator(f"source[src*='{key}']")).to_be_attached(timeout=LONG)
    assert slow.bytes_up < 1.35 * film.stat().st_size  # a part of 5 MiB is sent twice, and what was on its way
    return str(key)


def test_a_page_of_the_version_before_is_loaded_again_once_and_works(page: Page, balancer: Balancer) -> None:
    """A visitor who has kept a page open while another version took over: its scripts speak another protocol."""
    loads: list[str] = []

    def as_it_was(route: Route) -> None:
        current = route.fetch()
        if len(loads) > 1:
            route.fulfill(response=current)
            return
        earlier = re.sub(r"\bPROTOCOL = \d+", "PROTOCOL = 0", current.text())
        assert earlier != current.text()
        route.fulfill(body=earlier, content_type="text/javascript")

    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.route(re.compile(r"/static/liveview/client\..*js$"), as_it_was)

    visit(page, f"{balancer.url}/avatars/")

    assert loads == [f"{balancer.url}/avatars/"] * 2
    page.set_input_files("input[name=avatar]", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"})
    expect(page.get_by_role("alert")).to_contain_text("a.txt")


# -- What is logged


def test_logs_are_lines_of_json_that_name_no_file(page: Page, balancer: Balancer, webs: list[Web], film: Path) -> None:
    visit(page, f"{balancer.url}/videos/")
    page.set_input_files("input[name=video]", film)
    ready = until(lambda: [line for line in told(webs, "ready") if line["slot"] == "video"], within=LONG / 1000)

    assert {"time", "level", "logger", "message"} <= set.intersection(
        *(set(line) for web in webs for line in web.lines())
    )
    assert {"upload", "visitor", "bytes", "seconds", "outcome"} <= set(ready[-1])
    assert ready[-1]["bytes"] == film.stat().st_size
    everything = "".join(web.log_text() for web in webs)
    assert '"GET ' not in everything  # the host's router has a log of requests
    assert not [word for word in (NAME, "Geheimnis", "me.jpg", SECRET) if word in everything]
