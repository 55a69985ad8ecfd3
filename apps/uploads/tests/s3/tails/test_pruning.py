"""Tails go with their uploads, and stay with them."""

from __future__ import annotations

from typing import Any

import pytest

from uploads import janitor
from uploads.s3 import pruning, tails
from uploads.s3.tails import Tail
from uploads.stores import InMemoryUploadState
from uploads.tests.faults import S3Faults, status
from uploads.tests.moto import Moto
from uploads.tests.s3.tails.sessions import ID, OTHER, PART, Sessions, name


@pytest.fixture
def old(s3: S3Faults, settings: Any) -> None:
    """What has been begun now is old."""
    settings.UPLOADS = {**settings.UPLOADS, "STALE_AFTER": -10, "UPLOAD_STATE_TTL": -10}


@pytest.fixture
def store(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> InMemoryUploadState:
    monkeypatch.setattr(pruning, "get_store", lambda: sessions.store)
    monkeypatch.setattr(janitor, "get_store", lambda: sessions.store)
    return sessions.store


def test_tails_are_pruned_with_their_uploads(old: None, sessions: Sessions, store: InMemoryUploadState) -> None:
    sessions.interrupted(PART + 100_001)
    store.forget(ID)

    assert pruning.prune() == 1
    sessions.has_only()


def test_tails_without_an_upload_are_pruned(old: None, sessions: Sessions, store: InMemoryUploadState) -> None:
    tails.put(Tail(OTHER, PART, PART + 3), b"abc", "0" * 64, 1)

    assert pruning.prune() == 0
    sessions.has_only()


def test_the_tails_of_what_has_a_record_stay(old: None, sessions: Sessions, store: InMemoryUploadState) -> None:
    sessions.interrupted(PART + 100_001)

    assert pruning.prune() == 0
    sessions.ends_up_whole(sessions.resumed())


def test_a_tail_keeps_its_upload_alive(
    sessions: Sessions, store: InMemoryUploadState, moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a new part does, where a slot's own store has its record."""
    sessions.interrupted(100_001)
    record = store.load(ID)
    assert record is not None
    store.forget(ID)
    (found,) = pruning._unfinished()
    long_ago = {**found, "Initiated": found["Initiated"].replace(year=2000)}
    monkeypatch.setattr(pruning, "_unfinished", lambda: [long_ago])

    assert pruning.prune() == 0
    assert moto.keys() == [name(0, 100_001)]
    store.save(record, 1000)
    sessions.ends_up_whole(sessions.resumed())


@pytest.mark.parametrize(
    "key",
    [
        f"tails/{ID}.0-3",
        f"backups/tails/{ID}.0-3",
        f"uploads/{ID}.0-3",
        f"uploads/{ID}/tails/{ID}.0-3",
        f"uploads/tails/x{ID}.0-3",
        f"uploads/tails/{ID}.0-3.txt",
        f"uploads/tails/{ID}/film.txt",
    ],
)
def test_what_is_no_tail_stays(old: None, sessions: Sessions, store: InMemoryUploadState, moto: Moto, key: str) -> None:
    moto.client().put_object(Bucket=moto.bucket, Key=key, Body=b"abc")
    pruning.prune()

    assert moto.keys() == [key]


def test_the_janitor_survives_a_bucket_that_does_not_list(old: None, s3: S3Faults, store: InMemoryUploadState) -> None:
    s3.on("GET", "list-type=2", status(403, "AccessDenied"))

    assert janitor.prune()["stale multipart uploads"] == 0
