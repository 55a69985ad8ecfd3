"""Uploads staged in the bucket go on from another machine: one with a disk, and a process, of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liveview import process
from uploads.entries import drive
from uploads.entries.entry import UNKNOWN, UploadEntry
from uploads.errors import UploadError
from uploads.s3 import pruning, staging
from uploads.s3.storage import PrivateS3Storage
from uploads.tests.faults import S3Faults, failing, lose_answer, reset, status
from uploads.tests.moto import Moto
from uploads.tests.staging.test_contract import DATA, ID, MIB, Upload, crash
from uploads.tests.support import until

PART = 5 * MIB
s3 = failing({"STAGING": "bucket"}, PART_SIZE=PART, ATTEMPTS=1, READ_TIMEOUT=20)


@pytest.fixture
def upload(s3: S3Faults) -> Upload:
    return Upload(len(DATA))


@pytest.fixture(autouse=True)
def nothing_is_left(moto: Moto, s3: S3Faults, upload: Upload) -> Iterator[None]:
    yield
    until(lambda: moto.keys() == moto.unfinished() == [])


@pytest.fixture
def another_machine(settings: Any, tmp_path: Path, upload: Upload) -> Any:
    machines = iter(range(1, 100))

    def move() -> UploadEntry:
        process.begin()
        settings.UPLOADS = {**settings.UPLOADS, "STAGING_DIR": tmp_path / f"machine {next(machines)}"}
        return upload.resumed()

    return move


@pytest.mark.parametrize("end", [1, 70_000, PART - 1, PART, PART + 10, 2 * PART, 2 * PART + 1, len(DATA)])
def test_a_parked_one_goes_on_at_the_very_byte(upload: Upload, another_machine: Any, end: int) -> None:
    first = upload.entry()
    upload.feed(first, end)
    first.park()

    second = another_machine()

    assert second.upload.received == end
    assert second.tail == _tail(end)
    upload.feed(second)
    upload.ends_up_whole(second)
    second.discard()


def _tail(end: int) -> tuple[str, int]:
    import hashlib

    length = min(end, 65_536)
    return hashlib.sha256(DATA[end - length : end]).hexdigest(), length


@pytest.mark.parametrize("end", [PART, PART + 10, 2 * PART - 1, 2 * PART + 1])
def test_after_a_crash_it_is_at_most_a_part_behind(upload: Upload, another_machine: Any, end: int) -> None:
    first = upload.entry()
    upload.feed(first, end)
    crash(first)

    second = another_machine()

    assert second.upload.received == end // PART * PART
    assert second.tail == _tail(second.upload.received)
    upload.feed(second)
    upload.ends_up_whole(second)
    second.discard()


def test_a_crash_before_the_first_part_starts_over(upload: Upload, another_machine: Any) -> None:
    first = upload.entry()
    upload.feed(first, PART - 1)
    crash(first)

    second = another_machine()

    assert second.upload.received == 0
    upload.feed(second)
    upload.ends_up_whole(second)
    second.discard()


def test_it_may_move_again_and_again(upload: Upload, another_machine: Any, s3: S3Faults) -> None:
    entry = upload.entry()
    for end in (1000, 3 * MIB, 6 * MIB, 6 * MIB + 1, 2 * PART):
        upload.feed(entry, end)
        entry.park()
        entry = another_machine()
        assert entry.upload.received == end
    upload.feed(entry)
    upload.ends_up_whole(entry)
    assert s3.count("POST", "?uploads") == 1
    entry.discard()


@pytest.mark.parametrize("end", [PART, PART + 10])
def test_machines_that_crash_as_soon_as_they_have_resumed_it_forget_nothing(
    upload: Upload, another_machine: Any, end: int
) -> None:
    entry = upload.entry()
    upload.feed(entry, end)
    entry.park()
    for _machine in range(3):
        entry = another_machine()
        assert (entry.upload.received, entry.content_type) == (end, UNKNOWN)
        crash(entry)
    entry = another_machine()
    upload.feed(entry)
    upload.ends_up_whole(entry)
    entry.discard()


def test_one_whose_type_nobody_knows_starts_over(upload: Upload, another_machine: Any) -> None:
    entry = upload.entry()
    upload.feed(entry, PART + 10)
    entry.park()
    record = upload.store.load(ID)
    assert record is not None
    upload.store.save(replace(record, writer={**record.writer, "type": ""}), 1000)

    with pytest.raises(UploadError) as refused:
        another_machine()

    assert refused.value.code == "unknown_ref"
    upload.entry().discard()


def test_a_machine_that_it_comes_back_to_does_not_trust_its_old_copy(
    upload: Upload, another_machine: Any, settings: Any, tmp_path: Path
) -> None:
    first = upload.entry()
    upload.feed(first, PART + 100)
    first.park()
    copy = first.path
    second = another_machine()
    upload.feed(second, 2 * PART)
    second.park()
    copy.write_bytes(b"x" * (2 * PART + 5))  # as if its visitor had begun to send another file

    settings.UPLOADS = {**settings.UPLOADS, "STAGING_DIR": copy.parent}
    third = upload.resumed()

    assert third.upload.received == 2 * PART
    upload.feed(third)
    upload.ends_up_whole(third)
    third.discard()


def test_on_the_same_machine_nothing_is_fetched(upload: Upload, s3: S3Faults) -> None:
    first = upload.entry()
    upload.feed(first, PART + 100)
    first.park()
    process.begin()
    second = upload.resumed()
    upload.feed(second)
    upload.ends_up_whole(second)
    assert [path.partition("?")[2][:9] for method, path in s3.seen if method == "GET"] == ["uploadId="]  # the parts
    second.discard()


def test_what_is_missing_is_fetched_once_when_all_is_here(upload: Upload, another_machine: Any, s3: S3Faults) -> None:
    first = upload.entry()
    upload.feed(first, 2 * PART)
    first.park()
    second = another_machine()
    upload.feed(second)
    upload.ends_up_whole(second)
    fetched = [path for method, path in s3.seen if method == "GET" and path.endswith(f"staged/{ID}")]
    assert len(fetched) == 1
    assert second.data == DATA
    second.discard()


def test_a_ready_one_is_there_on_another_machine(upload: Upload, another_machine: Any) -> None:
    first = upload.entry()
    upload.feed(first)
    upload.ends_up_whole(first)
    first.park()

    second = another_machine()

    assert second.upload.is_complete
    upload.ends_up_whole(second)
    second.discard()


def test_an_upload_of_the_version_before_goes_on_from_its_file(upload: Upload, settings: Any, moto: Moto) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "STAGING": "disk"}
    first = upload.entry()
    upload.feed(first, PART + 100)
    first.park()
    process.begin()
    settings.UPLOADS = {**settings.UPLOADS, "STAGING": "bucket"}

    second = upload.resumed()

    assert second.upload.received == PART + 100
    upload.feed(second)
    upload.ends_up_whole(second)
    assert moto.read(f"uploads/staged/{ID}") == DATA
    second.discard()


def test_one_of_the_version_before_starts_over_elsewhere(upload: Upload, settings: Any, another_machine: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "STAGING": "disk"}
    first = upload.entry()
    upload.feed(first, PART + 100)
    first.park()
    settings.UPLOADS = {**settings.UPLOADS, "STAGING": "bucket"}

    second = another_machine()

    assert second.upload.received == 0
    upload.feed(second)
    upload.ends_up_whole(second)
    second.discard()


def test_a_storage_in_the_same_bucket_copies_it_there(upload: Upload, s3: S3Faults, moto: Moto) -> None:
    entry = upload.entry()
    upload.feed(entry)
    upload.ends_up_whole(entry)
    sent: list[int] = []
    s3.on("PUT", "/films/", lambda request: sent.append(len(request.body)))
    storage = PrivateS3Storage()

    name = storage.save("films/film.bin", entry.file)
    s3.on("PUT", "/films/", status(403, "AccessDenied"), times=1)
    again = storage.save("films/again.bin", entry.file)  # sent, as it can't be copied
    entry.discard()

    assert sent[0] == 0
    assert moto.read(name) == moto.read(again) == DATA
    for each in (name, again):
        storage.delete(each)


# A bucket that fails


@pytest.mark.parametrize("fault", [status(503, "SlowDown"), reset], ids=["slow", "reset"])
@pytest.mark.parametrize(
    ("method", "part"), [("POST", "?uploads"), ("PUT", "partNumber=1"), ("PUT", "partNumber=3"), ("POST", "uploadId=")]
)
def test_a_bucket_that_is_away_for_a_while_costs_nothing(
    upload: Upload, s3: S3Faults, monkeypatch: pytest.MonkeyPatch, fault: Any, method: str, part: str
) -> None:
    monkeypatch.setattr(staging, "PAUSE", 0.01)
    s3.on(method, part, fault, times=3)
    entry = upload.entry()
    upload.feed(entry)
    upload.ends_up_whole(entry)
    entry.discard()


def test_an_answer_that_is_lost_at_the_end_costs_nothing(upload: Upload, s3: S3Faults) -> None:
    s3.on("POST", "uploadId=", lose_answer, times=1)
    entry = upload.entry()
    upload.feed(entry)
    upload.ends_up_whole(entry)
    entry.discard()


def test_a_bucket_that_stays_away_is_a_typed_error(
    upload: Upload, s3: S3Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "PAUSE", 0.01)
    monkeypatch.setattr(staging, "PATIENCE", 0.05)
    s3.on("PUT", "partNumber=2", status(503, "SlowDown"))
    entry = upload.entry()
    with pytest.raises(UploadError) as raised:
        upload.feed(entry)
    assert raised.value.code == "storage_unavailable"
    entry.discard()


def test_while_it_is_away_a_resume_is_asked_to_come_again(upload: Upload, s3: S3Faults, another_machine: Any) -> None:
    first = upload.entry()
    upload.feed(first, PART + 100)
    first.park()
    s3.on("GET", "uploadId=", status(503, "SlowDown"))
    with pytest.raises(UploadError) as raised:
        another_machine()
    assert raised.value.code == "locked"

    s3.clear()
    again = another_machine()
    assert again.upload.received == PART + 100
    again.discard()


def test_an_upload_that_is_gone_from_the_bucket_starts_over(upload: Upload, moto: Moto, another_machine: Any) -> None:
    first = upload.entry()
    upload.feed(first, PART + 100)
    first.park()
    pruned = moto.client().list_multipart_uploads(Bucket=moto.bucket)["Uploads"][0]
    moto.client().abort_multipart_upload(Bucket=moto.bucket, Key=pruned["Key"], UploadId=pruned["UploadId"])
    with pytest.raises(UploadError) as raised:
        another_machine()
    assert raised.value.code == "unknown_ref"
    upload.entry().discard()


# Swept


def test_what_a_killed_machine_leaves_is_swept(
    upload: Upload, s3: S3Faults, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "get_store", lambda: upload.store)
    parked = upload.entry()
    upload.feed(parked, PART + 100)
    parked.park()
    whole = Upload(PART + 1)
    other = UploadEntry(ID[::-1], "ref", parked.slot, _name(), PART + 1)
    whole.feed(other)
    assert isinstance(drive.settle(other), drive.Ready)
    assert (pruning.prune(), pruning.prune_staged()) == (0, 0)

    settings.UPLOADS = {**settings.UPLOADS, "STALE_AFTER": -10, "UPLOAD_STATE_TTL": -10}
    upload.store.forget(ID)

    assert (pruning.prune(), pruning.prune_staged()) == (1, 1)


def _name() -> Any:
    from uploads.core.names import parse_name

    return parse_name("film.bin")
