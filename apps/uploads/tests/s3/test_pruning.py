"""What a killed process leaves in the bucket goes; what is somebody else's, or still wanted, stays."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from uploads import janitor
from uploads.s3 import pruning
from uploads.stores import InMemoryUploadState, Record
from uploads.tests.faults import S3Faults, failing, status
from uploads.tests.moto import Moto

ID = "0123456789abcdef0123456789abcdef"
OTHER = ID[::-1]
PART = b"x" * 5 * 1024 * 1024


s3 = failing({"STALE_AFTER": -10, "UPLOAD_STATE_TTL": -10}, ATTEMPTS=1)  # what has been begun now is old


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> InMemoryUploadState:
    store = InMemoryUploadState()
    monkeypatch.setattr(pruning, "get_store", lambda: store)
    monkeypatch.setattr(janitor, "get_store", lambda: store)
    return store


def begin(moto: Moto, key: str, *, parts: bool = True) -> None:
    client = moto.client()
    upload = client.create_multipart_upload(Bucket=moto.bucket, Key=key)["UploadId"]
    if parts:
        client.upload_part(Bucket=moto.bucket, Key=key, UploadId=upload, PartNumber=1, Body=PART)


@pytest.mark.parametrize("parts", [True, False])
def test_what_nobody_can_go_on_with_is_aborted(
    s3: S3Faults, moto: Moto, store: InMemoryUploadState, parts: bool
) -> None:
    begin(moto, f"uploads/{ID}/film.mp4", parts=parts)

    assert pruning.prune() == 1
    assert moto.unfinished() == []


def test_the_key_of_the_seeds_sample_is_ours_too(s3: S3Faults, moto: Moto, store: InMemoryUploadState) -> None:
    begin(moto, f"uploads/{ID}")

    assert pruning.prune() == 1


def test_what_has_a_record_stays(s3: S3Faults, moto: Moto, store: InMemoryUploadState) -> None:
    begin(moto, f"uploads/{ID}/film.mp4")
    begin(moto, f"uploads/{OTHER}/film.mp4")
    store.save(Record(ID, "visitor:me", "/", "film", "film.mp4", 10), 1000)

    assert pruning.prune() == 1
    assert moto.unfinished() == [f"uploads/{ID}/film.mp4"]


def test_what_was_begun_lately_stays(s3: S3Faults, moto: Moto, store: InMemoryUploadState, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "STALE_AFTER": 3600}
    begin(moto, f"uploads/{ID}/film.mp4", parts=False)

    assert pruning.prune() == 0
    assert moto.unfinished() == [f"uploads/{ID}/film.mp4"]


@pytest.mark.parametrize("parts", [True, False])
def test_what_was_begun_long_ago_stays_as_long_as_parts_arrive(
    s3: S3Faults, moto: Moto, store: InMemoryUploadState, settings: Any, monkeypatch: pytest.MonkeyPatch, parts: bool
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "STALE_AFTER": 3600}
    begin(moto, f"uploads/{ID}/film.mp4", parts=parts)
    (found,) = pruning._unfinished()
    long_ago = {**found, "Initiated": found["Initiated"] - timedelta(days=2)}
    monkeypatch.setattr(pruning, "_unfinished", lambda: [long_ago])

    assert pruning.prune() == (0 if parts else 1)
    assert len(moto.unfinished()) == parts


def test_what_is_finished_meanwhile_is_left_alone(
    s3: S3Faults, moto: Moto, store: InMemoryUploadState, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(moto, f"uploads/{ID}/film.mp4")
    (found,) = pruning._unfinished()
    moto.client().abort_multipart_upload(Bucket=moto.bucket, Key=found["Key"], UploadId=found["UploadId"])
    monkeypatch.setattr(pruning, "_unfinished", lambda: [found])

    assert pruning.prune() == 0


DOOMED = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r})
from django.conf import settings
settings.configure(UPLOADS={{"S3": json.loads(sys.argv[1])}}, MEDIA_ROOT="")
from uploads.s3.multipart import S3MultipartWriter
writer = S3MultipartWriter({ID!r}, "film.mp4", "video/mp4", 20 * 2**20)
writer.open()
writer.write_chunk(bytes(9 * 2**20))
writer.parts.drain()
print("a part is there", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_leaves_goes(s3: S3Faults, moto: Moto, store: InMemoryUploadState) -> None:
    command = [sys.executable, "-c", f"import json\n{DOOMED}", json.dumps(moto.options())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "a part is there\n"
        process.kill()
    assert moto.unfinished() == [f"uploads/{ID}/film.mp4"]

    assert pruning.prune() == 1
    assert moto.unfinished() == []


@pytest.mark.parametrize(
    "key",
    [f"backups/{ID}/film.mp4", "uploads/film.mp4", f"uploads/x{ID}/film.mp4", f"uploads/{ID}0/f", f"uploads/a/{ID}/f"],
)
def test_what_is_not_ours_stays(s3: S3Faults, moto: Moto, store: InMemoryUploadState, key: str) -> None:
    begin(moto, key)

    assert pruning.prune() == 0
    assert moto.unfinished() == [key]


def test_finished_objects_stay(s3: S3Faults, moto: Moto, store: InMemoryUploadState) -> None:
    moto.client().put_object(Bucket=moto.bucket, Key=f"uploads/{ID}/film.mp4", Body=b"a film")
    pruning.prune()

    assert moto.keys() == [f"uploads/{ID}/film.mp4"]


def test_the_command_prunes_the_bucket(s3: S3Faults, moto: Moto, store: InMemoryUploadState) -> None:
    begin(moto, f"uploads/{ID}/film.mp4")
    out = StringIO()
    call_command("uploads_prune", stdout=out)

    assert moto.unfinished() == []
    assert "1 stale multipart" in out.getvalue()


def test_a_bucket_that_does_not_answer_stops_no_janitor(
    s3: S3Faults, store: InMemoryUploadState, caplog: pytest.LogCaptureFixture
) -> None:
    s3.on("GET", "uploads", status(403, "AccessDenied"))

    assert set(janitor.prune().values()) == {0}
    assert "secret" not in caplog.text


def test_without_a_bucket_nobody_asks_for_one(store: InMemoryUploadState, settings: Any, tmp_path: Any) -> None:
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging"}

    assert set(janitor.prune().values()) == {0}
