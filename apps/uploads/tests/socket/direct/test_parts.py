"""Large files go to S3 in parts, each signed for its length."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from uploads import UploadEntry
from uploads.testing import Refused, UploadPage
from uploads.tests.moto import Moto
from uploads.tests.socket.direct.sending import LONG, MIB, done, put_parts, register, send
from uploads.tests.support import until


def test_a_large_file_goes_in_parts(direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]) -> None:
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))
    external = answer["external"]
    assert (external["uploader"], external["part_size"], external["have"]) == ("parts", 5 * MIB, [])
    assert sorted(external["urls"]) == ["1", "2", "3"]

    put_parts(page, answer, LONG, [3, 1, 2])  # in any order
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")

    stored = s3.read(consumed[0].writer_result["key"])
    assert hashlib.sha256(stored).digest() == hashlib.sha256(LONG).digest()
    assert consumed[0].writer_result["size"] == len(LONG)
    assert s3.unfinished() == []


def test_the_length_of_each_part_is_signed(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))

    for url in answer["external"]["urls"].values():
        assert "X-Amz-SignedHeaders=content-length%3Bhost" in url


def test_a_part_that_is_missing_makes_it_incomplete(direct: Callable[..., UploadPage], s3: Moto) -> None:
    """S3 itself would put the rest together."""
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))
    put_parts(page, answer, LONG, [1, 3])

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "incomplete"
    until(lambda: s3.unfinished() == s3.keys() == [])


def test_a_part_of_another_length_does_not_count(direct: Callable[..., UploadPage], s3: Moto) -> None:
    """Together the parts are as long as declared; put together they'd be another file."""
    page = direct()
    answer = register(page, "doc", "big.txt", 12 * MIB)
    urls = answer["external"]["urls"]
    for number, length in (("1", 5 * MIB + 1), ("2", 5 * MIB - 1), ("3", 2 * MIB)):
        assert send(urls[number], bytes(length)) == 200  # moto checks no signature

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "incomplete"


@pytest.mark.parametrize("parts", [[4], [0], [-1], ["1"], [1.5], [True], list(range(1, 102)), "1", None])
def test_a_part_that_there_is_not_is_not_signed(direct: Callable[..., UploadPage], parts: Any) -> None:
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))

    page.send({"type": "upload_sign", "ref": answer["ref"], "parts": parts})

    assert page.wait_for("error")["code"] == "bad_message"


def test_an_object_that_is_complete_already_stays_complete(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]
) -> None:
    """The answer to the last request may have been lost."""
    page = direct()
    answer = register(page, "doc", "big.txt", len(LONG))
    put_parts(page, answer, LONG, [1, 2, 3])
    key = f"uploads/{answer['upload_id']}/big.txt"
    client = s3.client()
    (multipart,) = client.list_multipart_uploads(Bucket=s3.bucket)["Uploads"]
    named = {"Bucket": s3.bucket, "Key": key, "UploadId": multipart["UploadId"]}
    parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in client.list_parts(**named)["Parts"]]
    client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})

    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")

    assert s3.read(consumed[0].writer_result["key"]) == LONG
