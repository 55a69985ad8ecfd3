"""The S3 writers of seeds/001 as printed there, against a server that keeps S3's rules."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.urls import path

from liveview import event_handler
from liveview.process import here
from uploads.testing import Refused, UploadPage
from uploads.tests.faults import S3Faults, status
from uploads.tests.moto import Moto
from uploads.tests.seeds import writers as seeds
from uploads.tests.support import Site, sha, until
from uploads.tests.writers.writing import WriterView
from uploads.writers import waiting
from uploads.writers.waiting import Waiting

MIB = 1024 * 1024
DATA = b"\xff\xd8\xff" + random.Random(5).randbytes(12 * MIB)  # three parts, and by its first bytes a .jpg
BUCKET = "my-bucket"
SHA = hashlib.sha256(DATA).hexdigest()
CHUNK = 900_000


class SampleView(seeds.UploadView):
    """The sample's view has neither a template nor a marked handler."""

    template_name = "uploads_writers.html"

    @event_handler
    def take(self) -> None:
        self.save_uploads()


urlpatterns = [path("sample/", SampleView.as_view()), path("writers/", WriterView.as_view())]


@pytest.fixture
def s3(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Faults]:
    moto.reset()
    moto.client().create_bucket(Bucket=BUCKET)
    with S3Faults(moto.url) as s3:
        for name, value in moto.environment(s3.url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield s3
    assert moto.unfinished(BUCKET) == []


@pytest.fixture
def live(site: Site, settings: Any, s3: S3Faults, monkeypatch: pytest.MonkeyPatch) -> UploadPage:
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(WriterView, "make", Film)
    return site("/writers/")


class Film(seeds.ResumableS3Writer):
    """The sample, in a slot for text."""


def only_object(moto: Moto) -> bytes:
    (key,) = moto.keys(BUCKET)
    return moto.read(key, BUCKET)


def send(page: UploadPage, channel: int, end: int, start: int = 0) -> None:
    page.send_rest(channel, DATA[:end], start, CHUNK)


def wait_for_bytes(page: UploadPage, channel: int, count: int) -> None:
    """Until the writer has had so many of that channel."""
    page.wait_until(
        lambda message: (
            message["type"] == "upload_progress"
            and any(number == channel and offset >= count for number, offset in message["offsets"])
        )
    )


def test_the_multipart_writer_stores_the_file(site: Site, settings: Any, s3: S3Faults, moto: Moto) -> None:
    settings.ROOT_URLCONF = __name__
    page = site("/sample/")
    page.upload("asset", "../me.jpg", DATA, chunk=CHUNK)
    page.submit("take")

    assert sha(only_object(moto)) == SHA
    assert moto.keys(BUCKET)[0].endswith("-me.jpg")
    assert s3.count("PUT", "partNumber=") == 3


def test_the_multipart_writer_aborts_what_is_cancelled(site: Site, settings: Any, s3: S3Faults, moto: Moto) -> None:
    settings.ROOT_URLCONF = __name__
    page = site("/sample/")
    ref, channel = page.register("asset", "me.jpg", len(DATA))
    send(page, channel, 6 * MIB)
    wait_for_bytes(page, channel, 6 * MIB)
    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")
    until(lambda: moto.unfinished(BUCKET) == [])

    assert moto.keys(BUCKET) == []


def test_a_failing_storage_names_nothing(
    site: Site, settings: Any, s3: S3Faults, moto: Moto, allowed: set[str]
) -> None:
    allowed.add("writer failed")
    settings.ROOT_URLCONF = __name__
    s3.on("PUT", "partNumber=2", status(403, "AccessDenied"))
    page = site("/sample/")
    with pytest.raises(Refused) as refused:
        page.upload("asset", "me.jpg", DATA, chunk=CHUNK)
    until(lambda: moto.unfinished(BUCKET) == [])

    assert (refused.value.code, refused.value.message) == (
        "storage_unavailable",
        "The file can't be stored right now.",
    )
    assert not any("secret" in str(message) or BUCKET in str(message) for message in page.received)


def test_the_resumable_writer_stores_the_file(live: UploadPage, moto: Moto, s3: S3Faults) -> None:
    upload_id, channel = live.register_resumable("film", "me.txt", len(DATA))
    live.send_rest(channel, DATA, chunk=CHUNK)
    live.wait_for("upload_ready")
    live.submit("take")

    assert moto.keys(BUCKET) == [f"uploads/{upload_id}"]
    assert sha(only_object(moto)) == SHA
    assert f"url=https://my-bucket.s3.amazonaws.com/uploads/{upload_id}" in live.html
    assert f"sha256={SHA}" in live.html


def test_the_resumable_writer_goes_on_where_it_was_cut(live: UploadPage, moto: Moto, s3: S3Faults) -> None:
    upload_id, channel = live.register_resumable("film", "me.txt", len(DATA))
    send(live, channel, 7 * MIB)
    wait_for_bytes(live, channel, 7 * MIB)
    live.reconnect()
    answer = resumed(live, upload_id)
    assert answer["offset"] == 7 * MIB

    live.send_rest(answer["channel"], DATA, answer["offset"], CHUNK)
    live.wait_for("upload_ready")
    live.submit("take")

    assert sha(only_object(moto)) == SHA
    assert s3.count("POST", "?uploads") == 1  # never a second multipart upload
    assert f"sha256={SHA}" in live.html


def test_an_interrupted_one_that_nobody_comes_back_for_is_aborted(live: UploadPage, moto: Moto) -> None:
    upload_id, channel = live.register_resumable("film", "me.txt", len(DATA))
    send(live, channel, 7 * MIB)
    wait_for_bytes(live, channel, 7 * MIB)
    live.drop_connection()
    until(lambda: upload_id in here(Waiting))
    assert len(moto.unfinished(BUCKET)) == 1

    assert here(Waiting).sweep(time.monotonic() + 4000) >= 1

    assert moto.unfinished(BUCKET) == []


def test_only_so_many_wait(moto: Moto) -> None:
    dropped: list[str] = []

    class Item:
        is_heavy = True

        def __init__(self, name: str) -> None:
            self.name = name

        def drop(self, cause: BaseException) -> None:
            assert str(cause) == "session closed"
            dropped.append(self.name)

    for number in range(waiting.MOST + 2):
        here(Waiting).keep(f"item {number}", Item(f"item {number}"), 1000)
    assert dropped == ["item 0", "item 1"]

    for number in range(2, waiting.MOST + 2):
        assert here(Waiting).take(f"item {number}") is not None
    assert here(Waiting).take("item 2") is None


def resumed(page: UploadPage, upload_id: str) -> Any:
    """The answer to a resume, asked for again while the last call to the writer is under way."""
    while True:
        answer = page.resume("film", upload_id, len(DATA))
        if answer["accepted"]:
            return answer
        assert answer["code"] == "locked"
