"""However an upload into S3 ends, over a page's own socket: nothing unfinished stays in the bucket."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from uploads import UploadEntry, UploadError
from uploads.s3 import parts
from uploads.s3.multipart import ResumableS3Writer, S3MultipartWriter
from uploads.socket import retries
from uploads.testing import Refused, UploadPage
from uploads.tests.faults import Fault, S3Faults, forget, lose_answer, status
from uploads.tests.moto import Moto
from uploads.tests.support import Site, until
from uploads.tests.writers.writing import WriterView

MIB = 1024 * 1024
DATA = random.Random(8).randbytes(11 * MIB)  # three parts
SHA = hashlib.sha256(DATA).hexdigest()
CHUNK = 900_000
SOME = 6 * MIB  # a part, and some of the next


@pytest.fixture
def s3(moto: Moto, project: None, settings: Any) -> Iterator[S3Faults]:
    moto.reset()
    with S3Faults(moto.url) as s3:
        options = {**moto.options(s3.url), "PART_SIZE": 5 * MIB, "ATTEMPTS": 3}
        settings.UPLOADS = {**settings.UPLOADS, "S3": options}
        yield s3
        until(lambda: moto.unfinished() == [])


@pytest.fixture(params=[S3MultipartWriter, ResumableS3Writer])
def live(request: Any, s3: S3Faults, site: Site, monkeypatch: pytest.MonkeyPatch) -> UploadPage:
    monkeypatch.setattr(WriterView, "make", request.param)
    monkeypatch.setattr(retries, "PAUSES", (0.01,) * 6)
    monkeypatch.setattr(WriterView, "check", staticmethod(lambda entry: None))
    return site("/writers/")


def begin(live: UploadPage, moto: Moto, slot: str = "file") -> tuple[str, int]:
    """An upload of which S3 has a part."""
    ref, channel = live.register(slot, "a.txt", len(DATA))
    live.send_rest(channel, DATA[:SOME], chunk=CHUNK)
    live.wait_until(
        lambda message: message["type"] == "upload_progress" and any(end >= SOME for _number, end in message["offsets"])
    )
    assert len(moto.unfinished()) == 1
    return ref, channel


def test_it_is_consumed(live: UploadPage, moto: Moto) -> None:
    live.upload("file", "a.txt", DATA, chunk=CHUNK)
    live.submit("take")
    live.drop_connection()

    (key,) = moto.keys()
    assert hashlib.sha256(moto.read(key)).hexdigest() == SHA
    assert f"/{key}" in live.html
    assert f"sha256={SHA}" in live.html


def test_it_is_cancelled(live: UploadPage, moto: Moto) -> None:
    ref, _channel = begin(live, moto)
    live.send({"type": "upload_cancel", "ref": ref})
    live.upload_answer(ref, "upload_cancelled")

    until(lambda: moto.unfinished() == [] == moto.keys())


def test_its_page_is_closed(live: UploadPage, moto: Moto) -> None:
    begin(live, moto)
    live.drop_connection()

    until(lambda: moto.unfinished() == [] == moto.keys())


def test_it_is_finished_and_nobody_wants_it(live: UploadPage, moto: Moto) -> None:
    live.upload("file", "a.txt", DATA, chunk=CHUNK)
    assert len(moto.keys()) == 1
    live.drop_connection()

    until(lambda: moto.keys() == [])


def test_a_validator_refuses_it(live: UploadPage, moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(entry: UploadEntry) -> None:
        raise UploadError("invalid", "Not this one.")

    monkeypatch.setattr(WriterView, "check", staticmethod(refuse))
    with pytest.raises(Refused) as refused:
        live.upload("file", "a.txt", DATA, chunk=CHUNK)

    assert refused.value.message == "Not this one."
    until(lambda: moto.unfinished() == [] == moto.keys())


def test_it_has_more_bytes_than_declared(live: UploadPage, moto: Moto) -> None:
    ref, channel = begin(live, moto)
    live.send_rest(channel, DATA[: 10 * MIB], SOME, CHUNK)
    live.send_chunk(channel, 10 * MIB, bytes(1_040_000))
    live.send_chunk(channel, 10 * MIB + 1_040_000, bytes(100_000))
    with pytest.raises(Refused) as refused:
        live.upload_answer(ref, "upload_ready")

    assert refused.value.code == "size_mismatch"
    until(lambda: moto.unfinished() == [] == moto.keys())


@pytest.mark.parametrize(
    ("method", "part"),
    [("POST", "?uploads"), ("PUT", "partNumber=1"), ("PUT", "partNumber=3"), ("POST", "uploadId=")],
)
def test_the_storage_refuses(live: UploadPage, s3: S3Faults, moto: Moto, method: str, part: str) -> None:
    s3.on(method, part, status(403, "InvalidAccessKeyId"))
    with pytest.raises(Refused) as refused:
        live.upload("file", "a.txt", DATA, chunk=CHUNK)

    assert refused.value.code == "storage_unavailable"
    assert not any(word in str(live.received) for word in ("secret", moto.bucket, "arn:"))
    until(lambda: moto.unfinished() == [] == moto.keys())
    s3.clear()
    live.upload("file", "b.txt", DATA, chunk=CHUNK)  # and the page still works


@pytest.mark.parametrize(
    ("method", "part", "fault"),
    [
        ("PUT", "partNumber=", status(503, "SlowDown")),
        ("POST", "uploadId=", status(503, "SlowDown")),
        ("POST", "uploadId=", lose_answer),
        ("POST", "uploadId=", forget),
    ],
)
def test_an_outage_costs_nothing(
    live: UploadPage,
    s3: S3Faults,
    moto: Moto,
    method: str,
    part: str,
    fault: Fault,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long boto3 waits, it is over later."""
    settings.UPLOADS["S3"] |= {"ATTEMPTS": 1}
    monkeypatch.setattr(parts, "PAUSES", (0.01,) * 6)
    s3.on(method, part, fault, times=6)
    ref, channel = live.register("film", "a.txt", len(DATA))
    live.send_rest(channel, DATA, chunk=CHUNK)
    live.upload_answer(ref, "upload_ready")
    live.submit("take")

    (key,) = moto.keys()
    assert hashlib.sha256(moto.read(key)).hexdigest() == SHA
    assert not [message for message in live.received if message["type"] == "upload_error"]


@pytest.mark.parametrize("fault", [status(503, "SlowDown"), lose_answer])
def test_after_a_long_outage_at_the_last_step_the_visitor_decides(
    live: UploadPage, s3: S3Faults, moto: Moto, fault: Fault, settings: Any
) -> None:
    """It stays as it is until they try again or, where a writer can be resumed, come back; nothing is sent again."""
    settings.UPLOADS["S3"] |= {"ATTEMPTS": 1}
    s3.on("POST", "uploadId=", fault)
    slot = "film" if WriterView.make is ResumableS3Writer else "file"
    ref, channel = live.register(slot, "a.txt", len(DATA))
    live.send_rest(channel, DATA, chunk=CHUNK)
    with pytest.raises(Refused) as refused:
        live.upload_answer(ref, "upload_ready")
    assert (refused.value.code, live.received[-1]["kept"]) == ("storage_unavailable", True)

    if slot == "film":
        upload_id = next(message["upload_id"] for message in live.received if message.get("upload_id"))
        live.reconnect()
        answer = live.resume(slot, upload_id, len(DATA))
        assert (answer["accepted"], answer["offset"]) == (True, len(DATA))
        ref = answer["ref"]
    if slot == "file" or fault is not lose_answer:  # whose object is found by whoever resumes it
        if slot == "film":
            with pytest.raises(Refused):
                live.upload_answer(ref, "upload_ready")
        s3.clear()
        live.send({"type": "upload_retry", "ref": ref})
    live.upload_answer(ref, "upload_ready")
    live.submit("take")

    (key,) = moto.keys()
    assert hashlib.sha256(moto.read(key)).hexdigest() == SHA
    assert s3.count("PUT", "partNumber=") == 3


def test_an_interrupted_one_goes_on(live: UploadPage, s3: S3Faults, moto: Moto) -> None:
    """Where the writer can. Where it can't, the page starts over, and the first one has been aborted."""
    can = WriterView.make is ResumableS3Writer
    upload_id, channel = live.register_resumable("film", "a.txt", len(DATA))
    live.send_rest(channel, DATA[:SOME], chunk=CHUNK)
    live.wait_until(
        lambda message: message["type"] == "upload_progress" and any(end >= SOME for _number, end in message["offsets"])
    )
    live.reconnect()
    answer = live.resume("film", upload_id, len(DATA))
    while not answer["accepted"]:  # while the last part is under way
        assert answer["code"] == "locked"
        answer = live.resume("film", upload_id, len(DATA))
    assert answer["offset"] == (SOME if can else 0)
    assert answer["length"] == (65_536 if can else 0)
    if can:
        assert answer["digest"] == hashlib.sha256(DATA[SOME - 65_536 : SOME]).hexdigest()

    live.send_rest(answer["channel"], DATA, answer["offset"], CHUNK)
    live.upload_answer(answer["ref"], "upload_ready")
    live.submit("take")

    (key,) = moto.keys()
    assert hashlib.sha256(moto.read(key)).hexdigest() == SHA
    assert f"sha256={SHA}" in live.html
    assert s3.count("POST", "?uploads") == (1 if can else 2)


def test_it_is_posted_without_javascript(live: UploadPage, moto: Moto, client: Client) -> None:
    answer = client.post("/writers/", {"_event": "take", "file": SimpleUploadedFile("a.txt", DATA)})

    (key,) = moto.keys()
    assert hashlib.sha256(moto.read(key)).hexdigest() == SHA
    assert key in answer.content.decode()


def test_it_is_posted_and_nobody_takes_it(live: UploadPage, moto: Moto, client: Client) -> None:
    client.post("/writers/", {"_event": "say", "text": "no", "file": SimpleUploadedFile("a.txt", DATA)})

    assert moto.keys() == []
