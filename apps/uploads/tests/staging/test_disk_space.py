"""`UPLOADS["DISK_FLOOR"]`: new uploads are refused before the disk is full, and those that have begun continue."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from liveview.process import here
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries import drive
from uploads.entries.entry import UploadEntry
from uploads.entries.quotas import Ledger
from uploads.entries.uploader import Uploader
from uploads.errors import UploadError
from uploads.external import as_presigner
from uploads.staging import disk_space
from uploads.staging.leftovers import sweep
from uploads.testing import Refused
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Site, Staged, assert_works, handle

FLOOR = 100_000_000


class Disk:
    def __init__(self) -> None:
        self.free = FLOOR + 1_000_000
        self.asked: list[Path] = []

    def usage(self, path: Path) -> SimpleNamespace:
        self.asked.append(path)
        return SimpleNamespace(free=self.free)


@pytest.fixture
def real(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk of the staging folder, asked each time."""
    made = Disk()
    monkeypatch.setattr(disk_space, "disk_usage", made.usage)
    return made


def test_a_new_upload_is_refused_below_the_floor_and_taken_again_above_it(
    site: Site, real: Disk, staged: Staged
) -> None:
    page = site()
    real.free = FLOOR - 1

    with pytest.raises(Refused) as refused:
        page.upload("docs", "a.txt", TEXT)
    assert refused.value.code == "storage_full"
    assert staged() == []

    real.free = FLOOR + len(TEXT)
    assert_works(page)


def test_what_has_begun_goes_on_below_the_floor(site: Site, real: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[bytes] = []
    handle(monkeypatch, lambda view: got.extend(entry.data for entry in view.consume_uploaded_entries("video")))
    page = site()
    upload_id, channel = page.register_resumable("video", "film.txt", len(TEXT))
    page.send_rest(channel, TEXT[:100_000])
    page.wait_until(lambda message: [channel, 100_000] in message.get("offsets", []))
    real.free = 0
    page.reconnect()

    answer = page.resume("video", upload_id, len(TEXT))
    page.send_rest(answer["channel"], TEXT, answer["offset"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")

    assert got == [TEXT]


def test_a_form_is_refused_as_well(site: Site, real: Disk, monkeypatch: pytest.MonkeyPatch, staged: Staged) -> None:
    called: list[BenchView] = []
    handle(monkeypatch, called.append)
    real.free = 0

    answer = Client().post("/bench/", {"_event": "run", "doc": SimpleUploadedFile("a.txt", TEXT[:4000])})

    assert UploadError("storage_full").message in answer.content.decode()
    assert called == [] and staged() == []


def reserve(slot: Slot) -> None:
    entry = UploadEntry("0" * 32, "a", slot, parse_name("a.txt"), 10)
    drive.open(entry, Uploader(share="somebody"))
    entry.discard()


DOC = Slot(name="doc", accept=Accept.parse(".txt"))


def test_bytes_that_wait_elsewhere_need_no_room_here(real: Disk) -> None:
    real.free = 0
    with pytest.raises(UploadError, match="no room"):
        reserve(DOC)

    reserve(Slot(name="film", accept=Accept.parse(".txt"), writer=lambda **_: None))  # type: ignore[arg-type,return-value]


def test_what_is_posted_for_external_storage_is_staged_here_first(real: Disk) -> None:
    real.free = 0
    slot = Slot(name="film", accept=Accept.parse(".txt"), external=as_presigner(lambda entry, view: {}))
    sent, posted = (UploadEntry(digit * 32, "a", slot, parse_name("a.txt"), 10) for digit in "12")
    posted.is_posted = True
    drive.open(sent, Uploader(share="somebody"))
    with pytest.raises(UploadError, match="no room"):
        drive.open(posted, Uploader(share="somebody"))
    sent.discard()


def test_without_a_floor_nobody_asks(real: Disk, settings: Any) -> None:
    settings.UPLOADS |= {"DISK_FLOOR": 0}
    real.free = 0
    reserve(DOC)
    assert real.asked == []


def test_what_was_declared_and_has_not_arrived_is_kept_free(real: Disk) -> None:
    """A floor is none if ten uploads may each have the same room."""
    real.free = FLOOR + 25
    first, second, third = (UploadEntry(digit * 32, "a", DOC, parse_name("a.txt"), 10) for digit in "123")
    drive.open(first, Uploader(share="somebody"))
    drive.open(second, Uploader(share="somebody else"))
    with pytest.raises(UploadError, match="no room"):
        drive.open(third, Uploader(share="a third"))

    assert isinstance(drive.feed(first, b"0123456789"), drive.Write)
    drive.commit(first, [b"0123456789"])
    real.free -= 10
    with pytest.raises(UploadError, match="no room"):
        drive.open(third, Uploader(share="a third"))

    second.cancel()
    drive.open(third, Uploader(share="a third"))
    assert here(Ledger).awaited == 10
    for entry in (first, second, third):
        entry.cancel()
        entry.discard()
    assert here(Ledger).awaited == 0


def test_what_is_parked_keeps_no_room(real: Disk) -> None:
    real.free = FLOOR + 10
    entry = UploadEntry("1" * 32, "a", DOC, parse_name("a.txt"), 10)
    drive.open(entry, Uploader(share="somebody"))
    entry.park()

    reserve(DOC)


def test_a_staging_folder_that_is_not_there_yet_is_on_the_disk_of_its_parent(real: Disk, folders: Path) -> None:
    reserve(DOC)
    assert real.asked == [folders]


def test_the_disk_of_this_machine_has_more_than_nothing(folders: Path, settings: Any) -> None:
    settings.UPLOADS |= {"DISK_FLOOR": 1}
    assert disk_space.room() > 0


def test_a_folder_has_one_name_wherever_it_is_mounted(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    names = set()
    for machine in ("one", "other"):
        (tmp_path / machine).mkdir()
        (tmp_path / machine / "staging").symlink_to(tmp_path / "shared")
        settings.UPLOADS = {"STAGING_DIR": tmp_path / machine / "staging"}
        names.add(disk_space.name())
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "another"}

    assert len(names) == 1 and "" not in names
    assert disk_space.name() not in names
    assert sweep(lambda _upload: False) == 0
    assert disk_space.name() == (tmp_path / "another" / ".name").read_text()
