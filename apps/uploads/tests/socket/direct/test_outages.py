"""A storage that is away for a while, when all or some of the bytes are there: nothing of them is given up."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from liveview.core.limits import Bucket
from liveview.core.messages import Message
from uploads import UploadEntry, UploadError
from uploads.s3.presigning import S3Upload
from uploads.socket import direct as socket_direct
from uploads.socket import retries
from uploads.testing import Refused, UploadPage
from uploads.tests.direct_project import DirectView, failing
from uploads.tests.faults import Fault, S3Faults, forget, lose_answer, status
from uploads.tests.moto import Moto
from uploads.tests.socket.direct.sending import LONG, MIB, done, put_parts, register, send, upload
from uploads.tests.support import until

COMPLETE = ("POST", "uploadId=")
SLOTS = ["docs", "video"]  # one that isn't resumable, and one that is


@pytest.fixture
def storage(direct: Callable[..., UploadPage], s3: Moto, settings: Any) -> Iterator[S3Faults]:
    with S3Faults(s3.url) as storage:
        options = {**settings.UPLOADS["S3"], "ENDPOINT_URL": storage.url, "ATTEMPTS": 1}
        settings.UPLOADS = {**settings.UPLOADS, "S3": options}
        yield storage


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.01,) * 5)


def send_all(page: UploadPage, slot: str) -> Message:
    """All of a file's parts, and the word."""
    answer = register(page, slot, "film.txt", len(LONG), holder="page")
    put_parts(page, answer, LONG, [1, 2, 3])
    done(page, answer["ref"])
    return answer


def codes(page: UploadPage, kind: str) -> set[str]:
    return {message["code"] for message in page.received if message["type"] == kind}


def expect_stored(s3: Moto, answer: Message) -> None:
    [key] = s3.keys()
    assert key == f"uploads/{answer['upload_id']}/film.txt"
    assert hashlib.sha256(s3.read(key)).digest() == hashlib.sha256(LONG).digest()
    assert s3.unfinished() == []


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("fault", [status(503, "SlowDown"), status(500), lose_answer], ids=["busy", "error", "lost"])
def test_an_outage_at_the_last_step_costs_nothing(
    direct: Callable[..., UploadPage], s3: Moto, storage: S3Faults, slot: str, fault: Fault
) -> None:
    page = direct()
    storage.on(*COMPLETE, fault, times=4)

    answer = send_all(page, slot)
    page.upload_answer(answer["ref"], "upload_ready")

    assert codes(page, "upload_delayed") == {"storage_unavailable"}
    expect_stored(s3, answer)


def test_no_such_upload_is_the_end_of_one_that_is_whole(
    direct: Callable[..., UploadPage], s3: Moto, storage: S3Faults
) -> None:
    page = direct()
    storage.on(*COMPLETE, forget, times=1)

    answer = send_all(page, "docs")
    page.upload_answer(answer["ref"], "upload_ready")

    assert codes(page, "upload_delayed") == set()
    expect_stored(s3, answer)


def test_no_such_upload_and_no_object_is_the_end(
    direct: Callable[..., UploadPage], s3: Moto, storage: S3Faults
) -> None:
    page = direct()
    storage.on(*COMPLETE, status(404, "NoSuchUpload"))

    answer = send_all(page, "docs")

    with pytest.raises(Refused):
        page.upload_answer(answer["ref"], "upload_ready")
    until(lambda: s3.keys() == s3.unfinished() == [])


@pytest.mark.parametrize(
    "fault", [status(403, "AccessDenied"), status(404, "NoSuchBucket"), status(507, "StorageFull")]
)
def test_a_storage_that_says_no_is_told_at_once(
    direct: Callable[..., UploadPage], s3: Moto, storage: S3Faults, fault: Fault
) -> None:
    page = direct()
    storage.on(*COMPLETE, fault)

    answer = send_all(page, "docs")

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "storage_unavailable"
    assert page.received[-1].get("lasts") is True or any(message.get("lasts") for message in page.received)
    assert codes(page, "upload_delayed") == set()
    until(lambda: s3.keys() == s3.unfinished() == [])


@pytest.mark.parametrize("slot", SLOTS)
def test_after_a_long_outage_the_visitor_decides(
    direct: Callable[..., UploadPage], s3: Moto, storage: S3Faults, slot: str, client: Client
) -> None:
    """It stays as it is until they try again, come back, or give up."""
    page = direct(client)
    storage.on(*COMPLETE, status(503, "SlowDown"))
    answer = send_all(page, slot)

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "storage_unavailable"
    assert page.received[-1]["kept"] is True
    assert len(s3.unfinished()) == 1

    if slot == "video":
        page.reconnect()
        answer = page.resume(slot, answer["upload_id"], len(LONG))
        assert answer["offset"] == len(LONG)
        done(page, answer["ref"])
        with pytest.raises(Refused):
            page.upload_answer(answer["ref"], "upload_ready")
    page.send({"type": "upload_retry", "ref": answer["ref"]})
    with pytest.raises(Refused):
        page.upload_answer(answer["ref"], "upload_ready", len(page.received))
    storage.clear()
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    expect_stored(s3, answer)


def test_whoever_gives_up_during_an_outage_leaves_nothing(
    direct: Callable[..., UploadPage], s3: Moto, storage: S3Faults
) -> None:
    page = direct()
    storage.on(*COMPLETE, status(503, "SlowDown"))
    stuck, left = send_all(page, "docs"), send_all(page, "docs")
    with pytest.raises(Refused):
        page.upload_answer(stuck["ref"], "upload_ready")

    page.send({"type": "upload_cancel", "ref": stuck["ref"]})
    page.upload_answer(stuck["ref"], "upload_cancelled")
    until(lambda: s3.unfinished() == [f"uploads/{left['upload_id']}/film.txt"])
    page.drop_connection()

    until(lambda: s3.keys() == s3.unfinished() == [])


def test_a_storage_that_is_away_when_an_upload_is_resumed_is_asked_again(
    direct: Callable[..., UploadPage], s3: Moto, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    put_parts(page, answer, LONG, [1])
    page.reconnect()
    with monkeypatch.context() as patch:
        patch.setattr(S3Upload, "grant", raising(UploadError("storage_unavailable")))
        during = page.resume("video", answer["upload_id"], len(LONG))
    after = page.resume("video", answer["upload_id"], len(LONG))

    assert (during["accepted"], during["code"]) == (False, "locked")
    assert after["external"]["have"] == [1]


def test_a_permission_that_cannot_be_made_now_is_made_later(
    direct: Callable[..., UploadPage], s3: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = direct()
    answer = register(page, "docs", "film.txt", len(LONG))
    original, failures = S3Upload.sign, [UploadError("storage_unavailable"), ConnectionError("no metadata")]

    def sign(self: S3Upload, parts: Any) -> Any:
        if failures:
            raise failures.pop()
        return original(self, parts)

    monkeypatch.setattr(S3Upload, "sign", sign)
    put_parts(page, answer, LONG, [1, 2, 3])
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    expect_stored(s3, answer)


def test_whoever_asks_for_many_permissions_waits_for_them(
    direct: Callable[..., UploadPage], s3: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_direct, "Bucket", lambda *args, **options: Bucket(4, burst=1))
    page = direct()
    refs = [register(page, "docs", f"{number}.txt", len(LONG))["ref"] for number in range(3)]
    since, began = len(page.received), time.monotonic()

    for ref in refs:
        page.send({"type": "upload_sign", "ref": ref, "parts": [3]})
    urls = [page.upload_answer(ref, "upload_signed", since)["external"]["urls"]["3"] for ref in refs]

    assert time.monotonic() - began >= 0.5  # two of them had to wait, for a quarter of a second each
    assert [send(url, LONG[10 * MIB :]) for url in urls] == [200] * 3
    assert codes(page, "upload_error") == codes(page, "upload_delayed") == set()


def test_a_presigner_of_ones_own_may_be_away_as_well(
    direct: Callable[..., UploadPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = direct()
    answer = register(page, "failing", "a.txt", 5)
    failures: list[Exception] = [UploadError("storage_unavailable"), TimeoutError("slow")]

    def finish() -> Any:
        if failures:
            raise failures.pop()
        raise UploadError("incomplete")  # which is no failure that passes

    monkeypatch.setattr(failing, "finish", finish)
    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert (refused.value.code, failures) == ("incomplete", [])


def test_a_validator_that_cannot_say_now_is_asked_again(
    direct: Callable[..., UploadPage], s3: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [UploadError("busy")] * 2

    def check(entry: UploadEntry) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr(DirectView, "check", staticmethod(check))
    page = direct()

    upload(page, "docs", "a.txt", b"hello")

    assert codes(page, "upload_delayed") == {"busy"}
    assert len(s3.keys()) == 1


def raising(error: Exception) -> Callable[..., Any]:
    def call(*_: Any) -> Any:
        raise error

    return call
