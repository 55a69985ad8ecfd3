"""Direct uploads that are resumed, from S3's own list, and what happens while S3 is away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from uploads import UploadEntry
from uploads.models import UploadState
from uploads.testing import Refused, UploadPage
from uploads.tests.moto import Moto
from uploads.tests.socket.direct.sending import LONG, MIB, done, put, put_parts, register, send
from uploads.tests.support import TEXT, until

AWAY = {"ENDPOINT_URL": "http://127.0.0.1:9", "ATTEMPTS": 1}


# -- Going on


def test_an_upload_is_resumed_from_s3s_own_list(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry], client: Client
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    put_parts(page, answer, LONG, [1, 3])

    page.reconnect()
    resumed = page.resume("video", answer["upload_id"], len(LONG))

    assert resumed["accepted"] and resumed["channel"] == 0
    assert resumed["external"]["have"] == [1, 3]
    assert resumed["offset"] == len(LONG) - 5 * MIB
    put_parts(page, resumed, LONG, [2])
    done(page, resumed["ref"])
    page.upload_answer(resumed["ref"], "upload_ready")
    page.submit("run")
    assert hashlib.sha256(s3.read(consumed[0].writer_result["key"])).digest() == hashlib.sha256(LONG).digest()
    assert s3.unfinished() == []
    until(lambda: UploadState.objects.count() == 0)


def test_a_part_that_was_cut_off_is_sent_again(direct: Callable[..., UploadPage], client: Client) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    send(answer["external"]["urls"]["1"], bytes(1000))

    page.reconnect()
    resumed = page.resume("video", answer["upload_id"], len(LONG))

    assert (resumed["external"]["have"], resumed["offset"]) == ([], 0)


@pytest.mark.parametrize("data", [TEXT, LONG], ids=["small", "large"])
def test_an_upload_that_was_complete_needs_only_the_word(
    direct: Callable[..., UploadPage], consumed: list[UploadEntry], client: Client, data: bytes
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(data), holder="page")
    if data is TEXT:
        put(answer["external"], data)
    else:
        put_parts(page, answer, data, [1, 2, 3])
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")

    page.reconnect()
    resumed = page.resume("video", answer["upload_id"], len(data))

    assert resumed["offset"] == len(data)
    done(page, resumed["ref"])
    page.upload_answer(resumed["ref"], "upload_ready")
    page.submit("run")
    assert len(consumed) == 1


def test_an_upload_that_s3_has_forgotten_starts_over(
    direct: Callable[..., UploadPage], s3: Moto, client: Client
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    page.drop_connection()
    s3.reset()

    page.reconnect()
    resumed = page.resume("video", answer["upload_id"], len(LONG))

    assert (resumed["accepted"], resumed["code"]) == (False, "unknown_ref")


def test_while_s3_is_away_nothing_is_given_up(
    direct: Callable[..., UploadPage], s3: Moto, client: Client, settings: Any
) -> None:
    page = direct(client)
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    put_parts(page, answer, LONG, [1])
    page.drop_connection()
    there = settings.UPLOADS

    settings.UPLOADS = {**there, "S3": {**there["S3"], **AWAY}}
    page.reconnect()
    during = page.resume("video", answer["upload_id"], len(LONG))
    settings.UPLOADS = there
    after = page.resume("video", answer["upload_id"], len(LONG))

    assert (during["accepted"], during["code"]) == (False, "locked")  # ask again
    assert after["external"]["have"] == [1]


def test_a_stranger_cannot_resume(direct: Callable[..., UploadPage]) -> None:
    page, other = direct(), direct(Client())
    answer = register(page, "video", "film.txt", len(LONG), holder="page")
    page.drop_connection()

    assert other.resume("video", answer["upload_id"], len(LONG))["code"] == "unknown_ref"


# -- When S3 fails


def test_without_s3_an_upload_fails_with_a_reason_and_no_secrets(
    direct: Callable[..., UploadPage], s3: Moto, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "S3": {**settings.UPLOADS["S3"], **AWAY}}
    page = direct()

    with pytest.raises(Refused) as refused:
        register(page, "doc", "big.txt", len(LONG))

    assert refused.value.code == "storage_unavailable"
    assert s3.bucket not in refused.value.message + caplog.text


def test_a_bucket_that_is_gone_is_a_storage_that_does_not_answer(
    direct: Callable[..., UploadPage], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "S3": {**settings.UPLOADS["S3"], "BUCKET": "not-there"}}
    page = direct()
    answer = register(page, "doc", "a.txt", 5)

    done(page, answer["ref"])

    with pytest.raises(Refused) as refused:
        page.upload_answer(answer["ref"], "upload_ready")
    assert refused.value.code in ("incomplete", "storage_unavailable")
    assert "not-there" not in refused.value.message + caplog.text
