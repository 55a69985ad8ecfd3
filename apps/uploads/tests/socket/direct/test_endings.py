"""However an upload that isn't consumed ends, S3 keeps nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from uploads.models import UploadState
from uploads.testing import Refused, UploadPage
from uploads.tests.moto import Moto
from uploads.tests.socket.direct.sending import LONG, done, put, put_parts, register, upload
from uploads.tests.support import until


def test_a_cancelled_upload_leaves_nothing(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    small, large = register(page, "docs", "a.txt", 5), register(page, "docs", "big.txt", len(LONG))
    put(small["external"], b"hello")
    put_parts(page, large, LONG, [1])
    assert len(s3.unfinished()) == 1

    for answer in (small, large):
        page.send({"type": "upload_cancel", "ref": answer["ref"]})
        page.upload_answer(answer["ref"], "upload_cancelled")

    until(lambda: s3.keys() == s3.unfinished() == [])
    until(lambda: UploadState.objects.count() == 0)


def test_a_ready_upload_that_is_cancelled_is_removed(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    ref = upload(page, "doc", "a.txt", b"hello")

    page.send({"type": "upload_cancel", "ref": ref})
    page.upload_answer(ref, "upload_cancelled")

    until(lambda: s3.keys() == [])


def test_the_next_file_replaces_the_one_before_at_s3_too(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    upload(page, "doc", "a.txt", b"hello")

    answer = register(page, "doc", "b.txt", 5)
    put(answer["external"], b"there")
    page.send({"type": "upload_external_done", "ref": answer["ref"]})

    until(lambda: s3.keys() == [f"uploads/{answer['upload_id']}/b.txt"])


def test_a_socket_that_goes_takes_its_uploads_along(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    register(page, "docs", "big.txt", len(LONG))
    upload(page, "docs", "a.txt", b"hello")

    page.drop_connection()

    until(lambda: s3.keys() == s3.unfinished() == [])
    assert UploadState.objects.count() == 0


def test_a_browser_that_gives_up_says_why(direct: Callable[..., UploadPage], s3: Moto) -> None:
    page = direct()
    for code in ("storage_unavailable", "file_changed"):
        answer = register(page, "docs", "big.txt", len(LONG))

        page.send({"type": "upload_external_failed", "ref": answer["ref"], "code": code})

        with pytest.raises(Refused) as refused:
            page.upload_answer(answer["ref"], "upload_ready")
        assert refused.value.code == code
    until(lambda: s3.unfinished() == [])


@pytest.mark.parametrize("kind", ["upload_sign", "upload_external_done", "upload_external_failed"])
def test_an_upload_that_there_is_not_is_passed_over(direct: Callable[..., UploadPage], kind: str) -> None:
    page = direct()
    more = {"upload_sign": {"parts": []}, "upload_external_failed": {"code": "file_changed"}}

    page.send({"type": kind, "ref": "nobody", **more.get(kind, {})})
    page.submit("say", text="still here")

    assert "still here" in page.html


def test_an_upload_over_the_socket_takes_no_part_in_this(direct: Callable[..., UploadPage]) -> None:
    page = direct()
    ref, channel = page.register("plain", "a.txt", 5)

    done(page, ref)
    page.send({"type": "upload_sign", "ref": ref, "parts": []})
    page.send_chunk(channel, 0, b"hello")

    page.upload_answer(ref, "upload_ready")


def test_one_of_which_nothing_more_is_heard_ends(direct: Callable[..., UploadPage], s3: Moto, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "UNBEGUN": 0.5}
    page = direct()
    silent = register(page, "docs", "a.txt", 5)
    register(page, "docs", "big.txt", len(LONG))

    with pytest.raises(Refused) as refused:
        page.upload_answer(silent["ref"], "upload_ready")

    assert refused.value.code == "timeout"
    until(lambda: s3.keys() == s3.unfinished() == [])
    until(lambda: UploadState.objects.count() == 0)
