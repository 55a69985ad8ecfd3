"""What has arrived at S3 is looked at before it is ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from uploads import UploadEntry, UploadError
from uploads.models import UploadState
from uploads.testing import Refused, UploadPage
from uploads.tests.direct_project import DirectView
from uploads.tests.moto import Moto
from uploads.tests.socket.direct.sending import PNG, done, put, register, upload
from uploads.tests.support import until


@pytest.mark.parametrize("length", [4, 6, 0])
def test_an_object_of_another_size_is_refused_and_removed(
    direct: Callable[..., UploadPage], s3: Moto, length: int
) -> None:
    """Should a storage not hold to the length that was signed."""
    page = direct()
    answer = register(page, "doc", "a.txt", 5)
    s3.client().put_object(Bucket=s3.bucket, Key=f"uploads/{answer['upload_id']}/a.txt", Body=bytes(length))

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "size_mismatch"
    until(lambda: s3.keys() == [])


def test_an_object_of_another_type_is_refused_and_removed(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    answer = register(page, "docs", "cute.png", 5000)
    put(answer["external"], b"MZ" + bytes(4998))

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "type_mismatch"
    until(lambda: s3.keys() == [] and UploadState.objects.count() == 0)


def test_the_type_is_read_off_the_first_bytes(direct: Callable[..., UploadPage], consumed: list[UploadEntry]) -> None:
    page = direct()

    upload(page, "docs", "a.png", PNG)
    page.submit("run")

    assert [entry.content_type for entry in consumed] == ["image/png"]


def test_saying_done_without_having_sent_is_refused(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    answer = register(page, "doc", "a.txt", 5)

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code == "incomplete"


def test_a_validator_sees_where_the_bytes_are_and_may_refuse(
    direct: Callable[..., UploadPage], s3: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def check(entry: UploadEntry) -> None:
        seen.append(entry.writer_result)
        raise UploadError("invalid", "Not today.")

    monkeypatch.setattr(DirectView, "check", staticmethod(check))
    page = direct()
    answer = register(page, "doc", "a.txt", 5)
    put(answer["external"], b"hello")

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.message == "Not today."
    assert seen[0]["key"] == f"uploads/{answer['upload_id']}/a.txt"
    until(lambda: s3.keys() == [])


def test_saying_done_twice_makes_it_ready_once(direct: Callable[..., UploadPage], consumed: list[UploadEntry]) -> None:
    page = direct()
    answer = register(page, "doc", "a.txt", 5)
    put(answer["external"], b"hello")

    for _ in range(3):
        done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")
    done(page, answer["ref"])
    page.submit("say", text="still here")

    assert len(consumed) == 1
    assert [message["type"] for message in page.received].count("upload_ready") == 1


def test_bytes_over_the_socket_are_not_taken(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    answer = register(page, "doc", "a.txt", 5)
    assert answer["channel"] == 0

    page.send_chunk(1, 0, b"hello")

    assert page.wait_for("error")["code"] == "bad_message"
