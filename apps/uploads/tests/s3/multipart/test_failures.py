"""The shipped S3 writer when its storage fails: nothing unfinished stays."""

from __future__ import annotations

from typing import Any

import pytest

from uploads import UploadError
from uploads.s3.multipart import S3MultipartWriter
from uploads.s3.parts import PartUploads
from uploads.tests.faults import S3Faults, lose_answer, reset, status
from uploads.tests.moto import Moto
from uploads.tests.s3.multipart.film import DATA, KEY, PART, send, writer
from uploads.tests.support import Gate, sha, until
from uploads.writers.causes import cancelled


@pytest.mark.parametrize("fault", [status(500), status(503, "SlowDown"), reset])
@pytest.mark.parametrize(
    ("method", "part"), [("POST", "?uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId="), ("PUT", "partNumber=3")]
)
def test_a_failure_that_passes_is_not_noticed(s3: S3Faults, moto: Moto, method: str, part: str, fault: Any) -> None:
    s3.on(method, part, fault, times=1)
    one = writer()
    one.open()
    send(one)
    one.close()

    assert sha(moto.read(KEY)) == sha(DATA)


@pytest.mark.parametrize("fault", [status(500), status(403, "InvalidAccessKeyId"), status(403, "AccessDenied"), reset])
@pytest.mark.parametrize(("method", "part"), [("POST", "?uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId=")])
def test_a_failure_that_lasts_is_a_typed_error_and_leaves_nothing(
    s3: S3Faults, moto: Moto, method: str, part: str, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    s3.on(method, part, fault)
    one = writer()
    with pytest.raises(UploadError) as raised:
        one.open()
        send(one)
        one.close()
    one.abort(raised.value)

    assert raised.value == UploadError("storage_unavailable")
    assert moto.unfinished() == [] == moto.keys()
    assert "secret" not in caplog.text
    assert moto.bucket not in caplog.text


def test_a_storage_that_hangs_is_given_up(s3: S3Faults, moto: Moto, settings: Any, gate: Gate) -> None:
    settings.UPLOADS["S3"] |= {"CONNECT_TIMEOUT": 0.5, "READ_TIMEOUT": 0.5, "ATTEMPTS": 1}
    s3.on("PUT", "partNumber=2", lambda request: gate())
    one = writer()
    one.open()
    with pytest.raises(UploadError) as raised:
        send(one)
        one.close()
    s3.clear()
    settings.UPLOADS["S3"] |= {"CONNECT_TIMEOUT": 5, "READ_TIMEOUT": 30}
    one.abort(raised.value)

    assert raised.value.code == "storage_unavailable"


def test_a_storage_that_is_not_there_is_given_up(s3: S3Faults, moto: Moto, settings: Any) -> None:
    settings.UPLOADS["S3"] |= {"ENDPOINT_URL": "http://127.0.0.1:9"}
    one = writer()
    with pytest.raises(UploadError) as raised:
        one.open()
    one.abort(raised.value)

    assert raised.value.code == "storage_unavailable"


def test_after_a_failure_the_other_parts_are_waited_for(s3: S3Faults, moto: Moto, gate: Gate) -> None:
    s3.on("PUT", "partNumber=1", lambda request: gate())
    s3.on("PUT", "partNumber=2", status(403, "AccessDenied"))
    parts = PartUploads(3)
    one = writer()
    one.open()
    one.parts = parts
    send(one, end=2 * PART)
    until(lambda: parts._failure is not None)
    assert parts._running != set()
    gate.open()
    with pytest.raises(UploadError):
        one.close()

    assert parts._running == set()
    one.abort(UploadError("storage_unavailable"))


def test_a_lost_answer_to_the_last_request_is_no_failure(s3: S3Faults, moto: Moto) -> None:
    s3.on("POST", "uploadId=", lose_answer, times=1)
    one = writer()
    one.open()
    send(one)
    one.close()

    assert sha(moto.read(KEY)) == sha(DATA)


def test_an_abort_ends_the_multipart_upload_once_its_parts_have_arrived(s3: S3Faults, moto: Moto, gate: Gate) -> None:
    s3.on("PUT", "partNumber=1", lambda request: gate())
    one = writer()
    one.open()
    send(one, end=PART)
    gate.wait()
    gate.open()
    one.abort(cancelled())

    assert moto.unfinished() == [] == moto.keys()
    order = [method for method, path in s3.seen if "uploadId=" in path]
    assert order == ["PUT", "DELETE"]


def test_an_abort_of_what_is_gone_is_none(s3: S3Faults, moto: Moto) -> None:
    one = writer()
    one.open()
    one.abort(cancelled())
    one.abort(cancelled())


def test_an_object_that_nobody_consumed_is_removed(s3: S3Faults, moto: Moto) -> None:
    one = writer()
    one.open()
    send(one)
    S3MultipartWriter.discard(one.close())

    assert moto.keys() == []
