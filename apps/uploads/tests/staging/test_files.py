from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage, default_storage
from django.core.files.uploadedfile import UploadedFile

from liveview.process import here
from uploads.errors import UploadError
from uploads.staging import files
from uploads.staging.files import StagedFile, StagingFile
from uploads.stores.hold import NO_HOLD

pytestmark = pytest.mark.usefixtures("folders")

ID = "0123456789abcdef" * 2


@pytest.fixture
def file() -> StagingFile:
    return StagingFile(ID, 100)


@pytest.fixture
def whole(file: StagingFile) -> StagedFile:
    file.write([b"hello ", b"world"])
    file.seal()
    return StagedFile(file.path, "hello.txt", "text/plain")


def stored(name: str) -> bytes:
    return Path(default_storage.path(name)).read_bytes()


# The staging file


def test_what_is_written_is_there_and_hashed(file: StagingFile) -> None:
    file.write([b"hello ", memoryview(b"world")])
    file.write([b"!"])
    assert file.seal() == hashlib.sha256(b"hello world!").hexdigest()
    assert file.path.read_bytes() == b"hello world!"


def test_nothing_is_made_before_the_first_byte(file: StagingFile, staged: Callable[[], list[str]]) -> None:
    file.discard()
    assert staged() == []


def test_nobody_else_can_look_into_the_folder(file: StagingFile) -> None:
    file.write([b"hello"])
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    file.discard()


def test_an_existing_file_is_never_written_to(file: StagingFile, caplog: pytest.LogCaptureFixture) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(b"somebody's")
    with pytest.raises(UploadError):
        file.write([b"hello"])
    assert file.path.read_bytes() == b"somebody's"


def test_a_write_that_takes_only_a_part_is_continued() -> None:
    taken = bytearray()

    class Slow:
        def write(self, data: Any) -> int:
            taken.extend(data[:3])
            return len(data[:3])

    files._write_all(Slow(), b"hello world")  # type: ignore[arg-type]
    assert taken == b"hello world"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_full_disk_is_a_typed_error(file: StagingFile, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    file.write([b"hello"])
    monkeypatch.setattr(files, "_write_all", fail)
    with pytest.raises(UploadError) as raised:
        file.write([b"world"])
    assert raised.value == UploadError("storage_full")
    file.discard()


def test_what_arrives_after_the_end_is_dropped(file: StagingFile, staged: Callable[[], list[str]]) -> None:
    file.write([b"hello"])
    file.discard()
    file.write([b"world"])
    assert staged() == []
    file.discard()


def test_what_was_made_of_a_file_goes_with_it(file: StagingFile, staged: Callable[[], list[str]]) -> None:
    file.write([b"hello"])
    file.sibling("thumb").write_bytes(b"x")
    file.sibling("never-made")
    assert staged() == [ID, f"{ID}.thumb"]
    file.discard()
    assert staged() == []


def test_a_discard_waits_for_the_write_under_way(
    file: StagingFile, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on, really = threading.Event(), threading.Event(), files._write_all

    def slow(*args: Any) -> None:
        inside.set()
        assert go_on.wait(30)
        really(*args)

    monkeypatch.setattr(files, "_write_all", slow)
    writer = threading.Thread(target=file.write, args=([b"hello"],))
    remover = threading.Thread(target=file.discard)
    writer.start()
    assert inside.wait(30)
    remover.start()
    go_on.set()
    writer.join(30)
    remover.join(30)
    assert staged() == []


# As Django knows it


def test_it_is_an_uploaded_file(whole: StagedFile) -> None:
    assert isinstance(whole, UploadedFile)
    assert (whole.name, whole.size, whole.content_type) == ("hello.txt", 11, "text/plain")
    assert (whole.read(5), whole.tell()) == (b"hello", 5)
    whole.seek(0)
    assert list(whole.chunks(4)) == [b"hell", b"o wo", b"rld"]
    assert b"".join(whole) == b"hello world"
    assert len(whole) == 11
    whole.close()


def test_saving_it_locally_copies_no_byte(whole: StagedFile, settings: Any) -> None:
    before = os.stat(whole.fileno()).st_ino
    name = default_storage.save("docs/hello.txt", whole)
    assert os.stat(default_storage.path(name)).st_ino == before
    whole.close()


def test_saving_it_leaves_one_name_in_staging_for_another_try(
    whole: StagedFile, file: StagingFile, staged: Callable[[], list[str]]
) -> None:
    first = default_storage.save("hello.txt", whole)
    second = default_storage.save("hello.txt", whole)
    assert first != second
    assert stored(second) == b"hello world"
    whole.close()
    assert staged() == [ID]
    file.discard()
    assert stored(first) == b"hello world"


def test_a_link_that_no_storage_took_goes_when_the_file_is_closed(
    whole: StagedFile, staged: Callable[[], list[str]]
) -> None:
    assert Path(whole.temporary_file_path()).read_bytes() == b"hello world"
    assert whole.temporary_file_path() == whole.temporary_file_path()
    assert len(staged()) == 2
    whole.close()
    assert staged() == [ID]


def test_without_hard_links_the_file_itself_is_renamed(
    whole: StagedFile, monkeypatch: pytest.MonkeyPatch, staged: Callable[[], list[str]]
) -> None:
    def unable(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", unable)
    assert stored(default_storage.save("hello.txt", whole)) == b"hello world"
    assert staged() == []
    whole.close()


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_the_saved_file_has_the_sites_permissions(whole: StagedFile, settings: Any, mode: int) -> None:
    settings.FILE_UPLOAD_PERMISSIONS = mode
    name = default_storage.save("hello.txt", whole)
    assert stat.S_IMODE(os.stat(default_storage.path(name)).st_mode) == mode
    whole.close()


def test_without_permissions_set_the_umask_decides(whole: StagedFile, tmp_path: Path) -> None:
    storage = FileSystemStorage(tmp_path / "media", file_permissions_mode=None)
    plain = tmp_path / "plain"
    plain.touch()
    name = storage.save("hello.txt", whole)
    assert os.stat(storage.path(name)).st_mode == plain.stat().st_mode
    whole.close()


def test_another_storage_reads_it(whole: StagedFile) -> None:
    whole.read()
    storage = InMemoryStorage()
    assert storage.open(storage.save("docs/hello.txt", whole)).read() == b"hello world"
    whole.close()


# Going on


def test_a_parked_file_that_goes_on_here_has_the_right_hash(file: StagingFile) -> None:
    file.write([b"hello "])
    file.park()
    with file.path.open("ab") as other:  # another process went on meanwhile
        other.write(b"wonderful ")

    again = StagingFile(ID, 100)
    assert again.reopen(NO_HOLD).offset == 16
    again.write([b"world"])

    assert again.seal() == hashlib.sha256(b"hello wonderful world").hexdigest()
    again.discard()


def test_a_file_that_took_half_a_chunk_has_the_right_hash(file: StagingFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(target: Any, chunk: bytes) -> None:
        target.write(chunk[:3])
        raise OSError(errno.ENOSPC, "full")

    file.write([b"hello "])
    with monkeypatch.context() as patch, pytest.raises(UploadError):
        patch.setattr(files, "_write_all", half)
        file.write([b"world"])
    file.park()

    again = StagingFile(ID, 100)
    assert again.reopen(NO_HOLD).offset == 9
    again.write([b"ld"])

    assert again.seal() == hashlib.sha256(b"hello world").hexdigest()
    again.discard()


def test_only_so_many_hashes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "HASHES_KEPT", 2)
    for number in range(5):
        file = StagingFile(f"{number:032x}", 5)
        file.write([b"hello"])
        file.park()

    assert len(here(files.Hashes)) == 2
    for number in range(5):
        again = StagingFile(f"{number:032x}", 5)
        assert again.reopen(NO_HOLD).offset == 5
        assert again.seal() == hashlib.sha256(b"hello").hexdigest()
        again.discard()
