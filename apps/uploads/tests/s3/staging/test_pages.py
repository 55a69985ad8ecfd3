"""Pages whose uploads are staged in the bucket, with a socket and without: what one machine has begun, another ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from liveview import process
from uploads.errors import UploadError
from uploads.s3 import staging
from uploads.s3.multipart import ResumableS3Writer
from uploads.socket import retries
from uploads.testing import UploadPage
from uploads.tests.fallback.page import Page, codes, consume
from uploads.tests.fallback.project import EagerView, ShelfWriter
from uploads.tests.faults import S3Faults, failing, status
from uploads.tests.moto import Moto
from uploads.tests.project import BenchView
from uploads.tests.support import until

MIB = 2**20
DATA = b"a line of text.\n" * (7 * MIB // 16)
DIGEST = hashlib.sha256(DATA).hexdigest()
s3 = failing({"STAGING": "bucket"}, PART_SIZE=5 * MIB, ATTEMPTS=1, READ_TIMEOUT=20)


@pytest.fixture(autouse=True)
def bench(
    project: None, transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, moto: Moto, s3: S3Faults
) -> Iterator[None]:
    settings.ROOT_URLCONF = "uploads.tests.fallback.project"
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: None))
    monkeypatch.setattr(BenchView, "script", staticmethod(consume("doc", "docs", "video")))
    monkeypatch.setattr(EagerView, "take", staticmethod(lambda view, entry: None))
    yield
    until(lambda: moto.keys() == moto.unfinished() == [])


@pytest.fixture
def move(settings: Any, tmp_path: Path) -> Callable[[], None]:
    """From here on, another machine serves."""
    numbers = iter(range(1, 100))

    def move() -> None:
        process.begin()
        settings.UPLOADS = {**settings.UPLOADS, "STAGING_DIR": tmp_path / f"machine {next(numbers)}"}

    return move


# Without a socket


def test_each_chunk_may_go_to_another_machine(move: Callable[[], None]) -> None:
    page = Page()
    upload_id = str(page.register("doc", size=len(DATA))["upload_id"])
    for at in range(0, len(DATA), 2 * MIB):
        answer = page.chunk(upload_id, at, DATA[at : at + 2 * MIB])
        assert answer.json() == {"offset": min(at + 2 * MIB, len(DATA))}
        move()
    assert page.done(upload_id) == {"type": "upload_ready", "ref": "r-1"}
    move()

    answer = page.submit(f"{upload_id} r-1")

    assert codes(answer) == ["upload_consumed"]
    assert f"{DIGEST}(doc)" in answer.json()["page"]


def test_a_short_one_may_move_as_well(move: Callable[[], None]) -> None:
    page = Page()
    upload_id = page.begin("doc", b"hello world", upto=5)
    move()
    assert page.chunk(upload_id, 5, b" world").json() == {"offset": 11}
    move()
    assert page.done(upload_id) == {"type": "upload_ready", "ref": "r-1"}
    move()

    answer = page.submit(f"{upload_id} r-1")

    assert hashlib.sha256(b"hello world").hexdigest() in answer.json()["page"]


def test_one_that_is_cancelled_elsewhere_leaves_nothing(move: Callable[[], None]) -> None:
    page = Page()
    upload_id = page.begin("doc", DATA, upto=3 * MIB)
    move()

    assert page.answer("upload_cancel", ref="r-1", upload_id=upload_id)["type"] == "upload_cancelled"


def test_a_writer_gets_on_one_machine_what_came_to_another(move: Callable[[], None]) -> None:
    page = Page("/eager/")
    upload_id = str(page.register("shelf", size=len(DATA))["upload_id"])
    for at in range(0, len(DATA), 4 * MIB):
        assert page.chunk(upload_id, at, DATA[at : at + 4 * MIB]).status_code == 200
    move()
    assert page.done(upload_id)["type"] == "upload_ready"
    move()

    answer = page.submit(f"{upload_id} r-1")

    assert codes(answer) == ["upload_consumed"]
    assert ShelfWriter.shelf[-1] == DATA


@pytest.mark.parametrize("step", ["", "write_chunk", "close"])
def test_so_does_one_that_resumes_and_its_storage_may_be_away_at_first(
    move: Callable[[], None], moto: Moto, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Its state and that of the staging are kept apart."""
    original, failures = EagerView.mount, [UploadError("storage_unavailable")] if step else []

    def mount(self: EagerView, request: Any, **given: Any) -> None:
        original(self, request, **given)
        self.allow_upload("shelf", accept=".txt", writer=ResumableS3Writer, resumable=True)

    def fail_first(self: ResumableS3Writer, *given: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(self, *given)

    monkeypatch.setattr(EagerView, "mount", mount)
    if step:
        real = getattr(ResumableS3Writer, step)
        monkeypatch.setattr(ResumableS3Writer, step, fail_first)
    page = Page("/eager/")
    upload_id = str(page.register("shelf", size=len(DATA))["upload_id"])
    assert page.chunk(upload_id, 0, DATA[: 4 * MIB]).status_code == 200
    move()
    assert page.chunk(upload_id, 4 * MIB, DATA[4 * MIB :]).status_code == 200
    assert page.done(upload_id)["type"] == "upload_ready"

    if step:
        first = page.submit(f"{upload_id} r-1")
        assert [(told["type"], told["kept"]) for told in first.json()["messages"]] == [("upload_error", True)]
        move()
    answer = page.submit(f"{upload_id} r-1")

    assert codes(answer) == ["upload_consumed"]
    (key,) = until(lambda: [keys for keys in [moto.keys()] if len(keys) == 1 and moto.unfinished() == []])[0]
    assert hashlib.sha256(moto.read(key)).hexdigest() == DIGEST
    moto.reset()


# With a socket


def began(page: UploadPage, end: int) -> str:
    """An upload of which so many bytes are here; its id."""
    upload_id, channel = page.register_resumable("video", "a.txt", len(DATA))
    page.send_rest(channel, DATA[:end])
    page.wait_until(lambda message: [channel, end] in message.get("offsets", []))
    return upload_id


def test_a_lost_socket_goes_on_at_another_machine(site: Callable[..., UploadPage], move: Callable[[], None]) -> None:
    client = Client()
    page = site(client=client)
    upload_id = began(page, 6 * MIB)
    page.drop_connection()
    move()

    again = site(client=client)
    answer = again.resume("video", upload_id, len(DATA))

    assert answer["offset"] == 6 * MIB
    again.send_rest(answer["channel"], DATA, answer["offset"])
    again.upload_answer(answer["ref"], "upload_ready")
    again.submit("run")
    assert f"{DIGEST}(video)" in again.html


def test_an_upload_waits_for_a_bucket_that_is_away_and_goes_on(
    site: Callable[..., UploadPage], s3: S3Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "PAUSE", 0.01)
    monkeypatch.setattr(staging, "PATIENCE", 0.05)
    monkeypatch.setattr(staging, "PARTING", 0.05)
    monkeypatch.setattr(retries, "PAUSES", (0.05,) * 100)
    page = site()
    _upload_id, channel = page.register_resumable("video", "a.txt", len(DATA))
    s3.on("PUT", "partNumber=1", status(503, "SlowDown"))

    page.send_rest(channel, DATA[: 6 * MIB])
    page.wait_until(lambda message: message.get("code") == "storage_unavailable")
    s3.clear()

    answer = page.wait_until(lambda message: message["type"] == "upload_resume_ack")
    assert answer["offset"] > 5 * MIB - 2**20
    page.send_rest(answer["channel"], DATA, answer["offset"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")
    assert f"{DIGEST}(video)" in page.html
