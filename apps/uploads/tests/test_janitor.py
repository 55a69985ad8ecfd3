from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from liveview.process import here
from uploads import UploadError, janitor
from uploads.janitor import Rounds
from uploads.stores import DatabaseUploadState, Record
from uploads.testing import UploadPage

from .support import until

ID = "0123456789abcdef" * 2


@pytest.fixture
def staging(folders: Path) -> Path:
    made = folders / "staging"
    made.mkdir()
    return made


def leave(staging: Path, name: str, age: float) -> None:
    path = staging / name
    path.write_bytes(b"x")
    os.utime(path, (time.time() - age,) * 2)


def test_what_a_crash_left_behind_goes_and_what_is_in_use_stays(
    staging: Path, settings: Any, staged: Callable[[], list[str]]
) -> None:
    settings.UPLOADS |= {"STALE_AFTER": 3600}
    leave(staging, ID, 3700)
    leave(staging, f"{ID}.published", 3700)
    leave(staging, f"{ID[::-1]}", 3500)
    janitor.sweep()
    assert staged() == [ID[::-1]]


@pytest.mark.parametrize("name", ["photo.jpg", "db.sqlite3", ".keep", ID[:-1], f"{ID}0", f"x{ID}"])
def test_a_file_that_is_not_ours_is_never_removed(staging: Path, staged: Callable[[], list[str]], name: str) -> None:
    leave(staging, name, 10**7)
    janitor.sweep()
    assert staged() == [name]


def test_a_folder_is_left_alone_and_keeps_nobody_else(
    staging: Path, staged: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    (staging / ID).mkdir()
    os.utime(staging / ID, (0, 0))
    leave(staging, ID[::-1], 10**7)
    janitor.sweep()
    assert staged() == [ID]


def test_no_folder_is_no_error(folders: Path) -> None:
    janitor.sweep()


def test_one_process_makes_its_round_now_and_then() -> None:
    here(Rounds).last = float("-inf")
    assert janitor.is_due()
    assert not janitor.is_due()
    here(Rounds).last = time.monotonic() - janitor.EVERY - 1
    assert janitor.is_due()


def test_a_page_that_connects_sends_the_janitor(
    site: Callable[..., UploadPage],
    staging: Path,
    staged: Callable[[], list[str]],
) -> None:
    leave(staging, ID, 10**7)
    here(Rounds).last = float("-inf")
    site()
    until(lambda: staged() == [])


@pytest.mark.django_db(transaction=True)
def test_the_command_removes_expired_records_and_stale_files(
    staging: Path, settings: Any, staged: Callable[[], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    settings.UPLOADS |= {"STALE_AFTER": 3600}
    leave(staging, ID, 10**6)
    leave(staging, ID[::-1], 3500)
    store = DatabaseUploadState()
    for upload_id in ("a" * 32, "b" * 32):
        store.save(Record(upload_id, "visitor:me", "/", "video", "a.mp4", 1), 1000)
    store.touch("a" * 32, -1)

    call_command("uploads_prune")

    assert capsys.readouterr().out == "1 expired records, 1 stale files and 0 stale multipart uploads removed.\n"
    assert staged() == [ID[::-1]]
    assert store.load("b" * 32) is not None


def test_a_file_that_may_still_be_resumed_is_not_stale(
    staging: Path, settings: Any, staged: Callable[[], list[str]]
) -> None:
    settings.UPLOADS |= {"STALE_AFTER": 60, "UPLOAD_STATE_TTL": 7 * 86_400}
    leave(staging, ID, 86_400)

    janitor.sweep()

    assert staged() == [ID]


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch, folders: Path, db: None) -> None:
    """Only those that the test registers."""
    monkeypatch.setattr(janitor, "_sweeps", {})


def test_a_folder_may_have_its_own_things_swept(sweeps: None, capsys: pytest.CaptureFixture[str]) -> None:
    janitor.register("old letters", lambda: 3)

    assert janitor.prune() == {"expired records": 0, "stale files": 0, "old letters": 3}
    call_command("uploads_prune")
    assert capsys.readouterr().out == "0 expired records, 0 stale files and 3 old letters removed.\n"


def test_a_sweep_that_fails_keeps_the_others_from_nothing(sweeps: None) -> None:
    def fail() -> int:
        raise UploadError("storage_unavailable")

    janitor.register("old letters", fail)
    janitor.register("old parcels", lambda: 2)

    assert janitor.prune() == {"expired records": 0, "stale files": 0, "old letters": 0, "old parcels": 2}
