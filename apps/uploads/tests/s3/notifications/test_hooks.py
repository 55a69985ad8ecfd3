"""Who asked for it hears of an upload once, and of no other."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from uploads.s3.handles import Handle
from uploads.s3.notifications.hooks import CompletedUpload, on_upload_complete, remove_upload_hook
from uploads.stores import Record, get_store
from uploads.tests.direct_project import signer
from uploads.tests.moto import Moto
from uploads.tests.s3.notifications.delivering import ID, KEY, UUID, deliver, keep, put
from uploads.tests.signing import event, record


def test_a_hook_for_one_upload_is_called_once_and_for_no_other(hooked: Client, s3: Moto) -> None:
    """By the seeds' convention, for an upload that was presigned elsewhere."""
    key, other = f"tenant/{UUID}/photo.jpg", f"tenant/{uuid.uuid4()}/photo.jpg"
    put(s3, key), put(s3, other)
    told: list[CompletedUpload] = []
    on_upload_complete(told.append, upload_id=UUID)

    for name in (other, key, key):
        deliver(hooked, signer.notification(event(record(s3.bucket, name))))

    assert [(upload.upload_id, upload.key, upload.size) for upload in told] == [(UUID, key, 5)]


def test_a_hook_that_fails_hurts_no_other(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(upload: CompletedUpload) -> None:
        raise RuntimeError("as asked")

    put(s3)
    keep(size=5)
    on_upload_complete(broken)
    on_upload_complete(broken, upload_id=ID)
    try:
        answer = deliver(hooked, signer.notification(event(record(s3.bucket, KEY))))
    finally:
        remove_upload_hook(broken)

    assert answer.status_code == 200
    assert len(completed) == 1
    assert caplog.text.count("upload completion hook failed") == 2


def test_a_hook_that_was_taken_back_is_not_called(hooked: Client, s3: Moto) -> None:
    put(s3, f"{UUID}/x")
    told: list[CompletedUpload] = []
    on_upload_complete(told.append, upload_id=UUID)
    remove_upload_hook(upload_id=UUID)

    deliver(hooked, signer.notification(event(record(s3.bucket, f"{UUID}/x"))))

    assert told == []


@pytest.mark.parametrize("key", ["photos/a.jpg", f"x{UUID}/a.jpg"])
def test_an_object_whose_key_names_no_upload_is_for_no_hook(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], heads: list[str], key: str
) -> None:
    """Not for one for all uploads either, nor for one that was registered with the key. (Seed 001.)"""
    put(s3, key)
    told: list[CompletedUpload] = []
    on_upload_complete(told.append, upload_id=key)
    try:
        answer = deliver(hooked, signer.notification(event(record(s3.bucket, key))))
    finally:
        remove_upload_hook(upload_id=key)

    assert (answer.status_code, answer.json()["completed"]) == (200, 0)
    assert completed == told == [] and heads == []


def test_a_key_may_be_an_uploads_id_and_nothing_else(
    hooked: Client, s3: Moto, completed: list[CompletedUpload]
) -> None:
    put(s3, UUID)

    deliver(hooked, signer.notification(event(record(s3.bucket, UUID))))

    assert [upload.upload_id for upload in completed] == [UUID]


def test_an_object_that_is_still_to_be_moved_is_for_no_hook(
    hooked: Client, s3: Moto, completed: list[CompletedUpload], told: list[dict[str, Any]]
) -> None:
    """The page moves it, and S3 tells of the copy."""
    put(s3, f"incoming/{KEY}")
    kept = {"type": "text/plain", "state": Handle(s3.bucket, f"incoming/{KEY}", KEY).to_state()}
    get_store().save(Record(ID, "user:1", "/direct/", "doc", "my film.txt", 5, writer=kept), 600)

    deliver(hooked, signer.notification(event(record(s3.bucket, f"incoming/{KEY}"))))

    assert len(told) == 1 and completed == []
