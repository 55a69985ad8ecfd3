from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
from django.core.management import call_command

from liveview import housekeeping, process
from liveview.jobs import declared
from liveview.process import here
from liveview.tests.processes import Start, served
from liveview.tests.redis import Redis
from uploads import UploadError, janitor
from uploads.janitor import Rounds
from uploads.stores import DatabaseUploadState, Record
from uploads.testing import UploadPage

from .faults import S3Faults
from .http.ways.raw import Wire
from .http.ways.server import Server
from .moto import Moto
from .support import until

ID = "0123456789abcdef" * 2

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staging(folders: Path) -> Path:
    made = folders / "staging"
    made.mkdir()
    return made


@pytest.fixture(autouse=True)  # a round asks every store that the process has made
def own_memory() -> Iterator[None]:
    before = process.begin()
    yield
    process.current().close()
    process._current = before


def leave(staging: Path, name: str, age: float) -> None:
    path = staging / name
    path.write_bytes(b"x")
    os.utime(path, (time.time() - age,) * 2)


def live_here(staging: Path) -> IO[bytes]:
    """As another process does."""
    file = staging.with_name(f"{staging.name}.lock").open("ab")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def test_what_a_crash_left_behind_goes_and_what_is_in_use_stays(
    staging: Path, staged: Callable[[], list[str]], own_memory: None
) -> None:
    leave(staging, ID, 100)
    leave(staging, f"{ID}.published", 100)
    leave(staging, ID[::-1], 10)  # another process may have made it
    with live_here(staging):
        janitor.sweep()
    assert staged() == [ID[::-1]]


def test_when_nobody_else_lives_here_a_crash_is_cleared_up_at_once(
    staging: Path, staged: Callable[[], list[str]], own_memory: None
) -> None:
    leave(staging, ID, 1)
    janitor.sweep()
    assert staged() == []

    leave(staging, ID, 0)  # somebody else has come since
    os.utime(staging / ID, (time.time() + 5,) * 2)
    janitor.sweep()
    assert staged() == [ID]


def test_bytes_go_with_their_record(staging: Path, staged: Callable[[], list[str]], own_memory: None) -> None:
    store = DatabaseUploadState()
    for upload_id in (ID, ID[::-1]):
        leave(staging, upload_id, 100)
        store.save(Record(upload_id, "visitor:me", "/", "video", "a.mp4", 1), 1000)
    janitor.prune()
    assert len(staged()) == 2

    store.touch(ID, -1)
    janitor.prune()
    assert staged() == [ID[::-1]]


def test_what_waits_for_its_form_stays_for_as_long_as_its_page(
    site: Callable[..., UploadPage], staging: Path, staged: Callable[[], list[str]], own_memory: None
) -> None:
    """It is complete, so nobody has it open; and nothing of it is recorded anywhere."""
    page = site()
    page.upload("docs", "a.txt", b"hello")
    (name,) = staged()
    os.utime(staging / name, (1, 1))
    with live_here(staging):
        janitor.sweep()
    assert staged() == [name]
    assert time.time() - (staging / name).stat().st_mtime < 60  # so that other processes see it

    page.drop_connection()
    until(lambda: staged() == [])


def test_what_is_needed_is_shown_while_a_storage_keeps_a_round_waiting(
    site: Callable[..., UploadPage],
    staging: Path,
    staged: Callable[[], list[str]],
    own_memory: None,
    sweeps: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other processes remove what nobody has touched for a while."""
    hangs, goes_on = threading.Event(), threading.Event()
    housekeeping.every(0.01, "keeping", janitor.keep)
    janitor.register("what hangs", lambda: hangs.set() or int(goes_on.wait()), every=60)
    page = site()
    page.upload("docs", "a.txt", b"hello")
    (name,) = staged()
    housekeeping.start()
    assert hangs.wait(30)

    try:
        os.utime(staging / name, (1, 1))
        until(lambda: (staging / name).stat().st_mtime > 1)
    finally:
        goes_on.set()
    page.drop_connection()


def test_after_a_sleep_files_only_look_as_if_nobody_had_touched_them(
    staging: Path, staged: Callable[[], list[str]], own_memory: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept, clock = 0.0, time.time
    monkeypatch.setattr(time, "time", lambda: clock() + slept)
    leave(staging, ID, 10)
    with live_here(staging):
        janitor.sweep()
        slept = 1000.0
        janitor.sweep()
        assert staged() == [ID]
        janitor.sweep()
        assert staged() == []


def test_what_another_process_has_open_stays(staging: Path, staged: Callable[[], list[str]], own_memory: None) -> None:
    leave(staging, ID, 100)
    with (staging / ID).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        janitor.sweep()
        assert staged() == [ID]
    janitor.sweep()
    assert staged() == []


def test_what_a_store_of_its_own_may_know_stays_until_it_is_stale(
    staging: Path, settings: Any, staged: Callable[[], list[str]], own_memory: None
) -> None:
    settings.UPLOADS |= {"STALE_AFTER": 60, "UPLOAD_STATE_TTL": 3600}
    for upload_id, age in ((ID, 3500), (ID[::-1], 3700)):
        leave(staging, upload_id, age)
        leave(staging, f"{upload_id}.kept", age)
    janitor.sweep()
    assert staged() == [ID, f"{ID}.kept"]


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


def test_one_process_makes_its_round_now_and_then(own_memory: None) -> None:
    assert janitor.is_due()
    assert not janitor.is_due()
    here(Rounds).last = time.monotonic() - janitor.EVERY - 1
    assert janitor.is_due()


def test_a_page_that_connects_sends_the_janitor(
    site: Callable[..., UploadPage], staging: Path, staged: Callable[[], list[str]], own_memory: None
) -> None:
    leave(staging, ID, 10**7)
    site()
    until(lambda: staged() == [])


def test_the_command_removes_expired_records_and_stale_files(
    staging: Path, staged: Callable[[], list[str]], own_memory: None, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(staging, ID, 10**6)
    leave(staging, ID[::-1], 10)
    store = DatabaseUploadState()
    for upload_id in ("a" * 32, "b" * 32):
        store.save(Record(upload_id, "visitor:me", "/", "video", "a.mp4", 1), 1000)
    store.touch("a" * 32, -1)

    with live_here(staging):
        call_command("uploads_prune")

    assert (
        capsys.readouterr().out
        == "1 expired records, 1 stale files, 0 stale multipart uploads and 0 stale staged files removed.\n"
    )
    assert staged() == [ID[::-1]]
    assert store.load("b" * 32) is not None


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch, folders: Path, db: None) -> None:
    """Only those that the test registers."""
    monkeypatch.setattr(janitor, "_sweeps", {})
    monkeypatch.setattr(housekeeping, "_declared", {})
    monkeypatch.setattr(declared, "PERIODIC", {})


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


def test_what_all_share_is_nothing_that_each_process_sweeps(sweeps: None, own_memory: None) -> None:
    """Whoever has a page, or a form, waits for no bucket."""
    came: list[str] = []
    janitor.register("old letters", lambda: len(came.append("letters") or came), every=600)

    janitor.come()
    assert came == []
    seconds, work = declared.PERIODIC["removing old letters"]
    work()
    assert (seconds, came) == (600, ["letters"])


def test_workers_sweep_where_there_are_some(sweeps: None, own_memory: None, monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[str] = []
    turns = [True, False]
    monkeypatch.setattr(declared, "backend", lambda: SimpleNamespace(has_turn=lambda what, seconds: turns.pop(0)))
    janitor.register("old letters", lambda: len(came.append("letters") or came))
    ((_seconds, in_a_server),) = housekeeping._declared.values()

    in_a_server()
    in_a_server()
    assert came == ["letters"]


redis, moto = served(Redis), served(Moto)


def test_of_two_servers_one_asks_the_bucket_what_was_left_there(redis: Redis, moto: Moto, start: Start) -> None:
    with S3Faults(moto.url) as faults:
        options = {"STAGING": "bucket", "S3": moto.options(faults.url)}
        server: Server = start(Server, processes=2, redis_url=redis.url, **options)
        for port in server.ports:  # a round of each has begun
            with Wire(port) as wire:
                assert wire.ask("GET", "/up/").status == 200
        until(lambda: faults.count("GET", "?uploads") and faults.count("GET", "staged"))
        time.sleep(1)  # for the other

        assert faults.count("GET", "?uploads") == 1
        assert faults.count("GET", "staged") == 1
