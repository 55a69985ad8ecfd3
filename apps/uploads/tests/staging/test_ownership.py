"""Who owns a staging file: the last to open it, here or in another process."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.staging.files import StagingFile
from uploads.stores import DatabaseUploadState, Record
from uploads.stores.hold import StoredHold
from uploads.tests.support import Staged

ID = "0123456789abcdef" * 2
PATIENT = 3600.0


@pytest.fixture
def file(folders: Path) -> StagingFile:
    made = StagingFile(ID, 100)
    made.write([b"hello "])
    return made


def hold(patience: float = PATIENT, *, is_held: bool = False) -> Any:
    return SimpleNamespace(patience=patience, is_held=is_held)


def replace(file: StagingFile) -> None:
    """As another process does with the file of one that has stalled."""
    copy = file.path.with_name("copy")
    copy.write_bytes(file.path.read_bytes())
    os.replace(copy, file.path)


def test_a_file_that_is_taken_over_can_not_be_written_finished_or_removed(file: StagingFile) -> None:
    again = StagingFile(ID, 100)
    assert again.reopen(hold()).offset == 6

    for forbidden in (lambda: file.write([b"EVIL"]), file.seal):
        with pytest.raises(UploadError, match="continues in"):
            forbidden()
    file.discard()

    again.write([b"world"])
    assert again.seal() == hashlib.sha256(b"hello world").hexdigest()
    assert again.path.read_bytes() == b"hello world"
    again.discard()


def test_what_was_made_from_a_file_goes_with_a_takeover(file: StagingFile, staged: Staged) -> None:
    file.sibling("thumb").write_bytes(b"x")
    again = StagingFile(ID, 100)
    again.reopen(hold())

    file.discard()
    assert staged() == [ID, f"{ID}.thumb"]
    again.discard()
    assert staged() == []


def test_resuming_a_file_that_is_not_there_keeps_others_from_making_it(folders: Path) -> None:
    old, new = StagingFile(ID, 100), StagingFile(ID, 100)
    assert new.reopen(hold(is_held=True)).offset == 0
    new.park()

    with pytest.raises(UploadError, match="continues in"):
        old.write([b"EVIL"])
    assert new.path.read_bytes() == b""


def test_the_hash_of_a_file_that_was_replaced_is_not_kept(file: StagingFile) -> None:
    replace(file)
    file.write([b"EVIL"])
    file.park()
    with file.path.open("ab") as elsewhere:
        elsewhere.write(b"world")

    again = StagingFile(ID, 100)
    assert again.reopen(hold()).offset == 11
    assert again.seal() == hashlib.sha256(b"hello world").hexdigest()
    again.discard()


def test_a_file_that_was_replaced_is_neither_finished_nor_removed(file: StagingFile, staged: Staged) -> None:
    replace(file)

    with pytest.raises(UploadError, match="continues in"):
        file.seal()
    file.discard()

    assert staged() == [ID]


def test_a_lock_does_not_outlive_its_file_in_a_process_that_was_forked(file: StagingFile) -> None:
    assert file._file is not None
    inherited = os.dup(file._file.fileno())
    try:
        file.park()
        again = StagingFile(ID, 100)
        assert again.reopen(hold()).offset == 6
        again.discard()
    finally:
        os.close(inherited)


def test_a_file_system_without_locks_takes_uploads(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unable)
    file = StagingFile(ID, 100)
    file.write([b"hello "])
    again = StagingFile(ID, 100)
    again.reopen(hold())
    with pytest.raises(UploadError, match="continues in"):
        file.write([b"EVIL"])
    again.write([b"world"])

    assert again.seal() == hashlib.sha256(b"hello world").hexdigest()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [True, False])
def test_what_another_process_has_resumed_is_not_removed_here(folders: Path, staged: Staged, is_known: bool) -> None:
    """Unlike what nobody has a record of any more."""
    store = DatabaseUploadState()
    record = Record(ID, "somebody", "/", "doc", "a.txt", 10)
    store.save(record, PATIENT)
    lease = store.acquire(ID, "page", PATIENT)
    assert lease is not None
    entry = UploadEntry(ID, "a", Slot(name="doc", accept=Accept.parse(".txt")), parse_name("a.txt"), 10)
    entry.hold = StoredHold(store, lease, PATIENT, record)
    elsewhere = folders / "staging" / ID
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"hello")
    store.acquire(ID, "page", PATIENT)
    if not is_known:
        store.forget(ID)

    entry.discard()

    assert (staged() == [ID]) is is_known
    assert (store.load(ID) is not None) is is_known


def test_a_file_that_can_not_be_copied_is_asked_for_again(
    file: StagingFile, monkeypatch: pytest.MonkeyPatch, staged: Staged
) -> None:
    file.park()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", fail)
    with file.path.open("rb") as elsewhere:
        fcntl.flock(elsewhere, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(UploadError) as refused:
            StagingFile(ID, 100).reopen(hold(0))

    assert refused.value.code == "locked"
    assert staged() == [ID]
