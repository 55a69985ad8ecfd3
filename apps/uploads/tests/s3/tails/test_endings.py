"""Nothing of a tail stays when its upload is over."""

from __future__ import annotations

from typing import Any

import pytest

from uploads import UploadError
from uploads.s3.notifications.parsing import upload_id_of
from uploads.s3.tails import Tail
from uploads.tests.faults import S3Faults, status
from uploads.tests.moto import Moto
from uploads.tests.s3.tails.sessions import ID, KEY, PART, Sessions


def test_an_abort_takes_the_tail_with_it(sessions: Sessions) -> None:
    sessions.interrupted(PART + 100_001)
    sessions.resumed().discard()

    sessions.has_only()


def test_an_abort_that_fails_takes_the_tail_with_it(sessions: Sessions, s3: S3Faults, moto: Moto) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    s3.on("DELETE", "uploadId=", status(500))
    second.discard()

    assert moto.keys() == []


def test_an_upload_that_has_to_start_over_leaves_no_tail(sessions: Sessions, moto: Moto) -> None:
    sessions.interrupted(PART + 100_001)
    state = sessions.store.load(ID).writer["state"]  # type: ignore[union-attr]
    moto.client().abort_multipart_upload(Bucket=moto.bucket, Key=KEY, UploadId=state["multipart"])
    with pytest.raises(UploadError) as raised:
        sessions.resumed()

    assert raised.value.code == "unknown_ref"
    sessions.has_only()


def test_what_was_finished_and_is_not_wanted_leaves_nothing(sessions: Sessions) -> None:
    sessions.interrupted(PART + 100_001)
    second = sessions.resumed()
    sessions.ends_up_whole(second)
    second.discard()

    sessions.has_only()


def test_an_upload_without_interruption_asks_for_no_tails(sessions: Sessions, s3: S3Faults) -> None:
    sessions.ends_up_whole(sessions.entry())

    assert not [path for _method, path in s3.seen if "/tails/" in path or "list-type=2" in path]


def test_no_event_of_a_tail_is_that_of_an_upload(settings: Any) -> None:
    settings.UPLOADS = {"S3": {}}

    assert upload_id_of(Tail(ID, PART, PART + 5).key) != ID
