"""What happens behind the page: interruptions, other processes, and what is left behind."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from liveview import jobs
from liveview.jobs import contract
from liveview.threads import with_connections
from uploads import UploadError
from uploads.core.sniffing import MP4
from uploads.staging import StagedFile
from videos import processing, received
from videos.models import Video

from .conftest import Make

pytestmark = pytest.mark.django_db(transaction=True)

Waiting = Callable[[], list[str]]

MEMORY = "django.core.files.storage.InMemoryStorage"  # no folder, as a bucket is none


@pytest.fixture
def left(folders: Path, make: Make) -> Video:
    """What a process leaves that was killed in the middle."""
    return leave(folders, make())


def leave(folders: Path, data: bytes, **fields: Any) -> Video:
    folder = folders / "staging-videos"
    folder.mkdir(exist_ok=True)
    (folder / ("a" * 32)).write_bytes(data)
    return Video.objects.create(
        **{"owner": "x", "title": "left", "name": "left.mp4", "kind": "mp4", "size": 1, "source": "a" * 32, **fields}
    )


def stored() -> list[str]:
    return default_storage.listdir("videos")[1] if default_storage.exists("videos") else []


def test_what_a_stopped_process_left_is_given_a_job(left: Video, waiting: Waiting) -> None:
    jobs.enqueue_left()
    assert waiting() == []

    left.refresh_from_db()
    assert (left.status, left.attempts) == ("ready", 1)


def test_a_file_that_kills_the_process_is_not_tried_for_ever(left: Video, waiting: Waiting) -> None:
    Video.objects.update(attempts=2)

    processing.process(left.pk)

    left.refresh_from_db()
    assert (left.status, left.reason) == ("failed", "interrupted")
    assert "send it again" in left.sentence
    assert waiting() == []


def test_what_a_killed_attempt_had_made_is_removed_by_the_next(left: Video, folders: Path) -> None:
    names = [default_storage.save(f"videos/{'e' * 32}{end}", ContentFile(b"half")) for end in (".mp4", "-p.webp")]
    (folders / "staging-videos" / f"{'e' * 32}.made").write_bytes(b"half")
    Video.objects.update(attempts=1, file=names[0], poster=names[1])

    processing.process(left.pk)
    processing.sweep_here()

    left.refresh_from_db()
    assert left.status == "ready"
    assert sorted(stored()) == sorted(Path(str(file)).name for file in (left.file, left.poster))
    assert list((folders / "staging-videos").iterdir()) == []


@pytest.mark.parametrize("first", ["slow", "quick"])
def test_two_that_are_at_one_file_make_one_video(left: Video, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """A worker that seemed to be dead, and goes on: whichever it is, what it makes is no longer wanted."""
    real, at_work, goes_on = processing.content.process_video, threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        monkeypatch.setattr(processing.content, "process_video", real)
        made = real(*given) if first == "slow" else None
        at_work.set()
        assert goes_on.wait(60)
        return made or real(*given)

    monkeypatch.setattr(processing.content, "process_video", slow)
    other = threading.Thread(target=with_connections, args=(partial(processing.process, left.pk),))
    other.start()
    assert at_work.wait(60)

    processing.process(left.pk)
    published = Video.objects.get()
    goes_on.set()
    other.join()

    left.refresh_from_db()
    assert (left.status, left.file) == ("ready", published.file)
    assert sorted(stored()) == sorted(Path(str(file)).name for file in (left.file, left.poster))


def test_a_file_that_is_not_here_may_be_elsewhere_and_is_given_up_after_a_while(left: Video, folders: Path) -> None:
    (folders / "staging-videos" / left.source).unlink()

    processing.process(left.pk)
    left.refresh_from_db()
    assert left.status == "processing"

    Video.objects.update(created_at=timezone.now() - timedelta(hours=2))
    processing.process(left.pk)
    left.refresh_from_db()
    assert (left.status, left.reason) == ("failed", "interrupted")


@pytest.mark.parametrize("failure", [RuntimeError("our own mistake"), UploadError("busy"), OSError("no space")])
def test_what_is_not_the_files_fault_is_tried_again_and_told_in_the_end(
    left: Video,
    failure: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    waiting: Waiting,
) -> None:
    monkeypatch.setattr(contract, "pause", lambda tries: 0.0)
    tried: list[int] = []

    def fail(*_: Any) -> None:
        tried.append(left.pk)
        raise failure

    monkeypatch.setattr(processing.content, "process_video", fail)

    jobs.enqueue_left()
    assert waiting() == []

    left.refresh_from_db()
    assert len(tried) == processing.process.attempts
    reason = failure.code if isinstance(failure, UploadError) else "server_error"
    assert (left.status, left.reason, left.attempts) == ("failed", reason, 0)
    assert "job given up" in caplog.text


def test_a_publication_that_fails_leaves_no_file_and_works_the_next_time(
    left: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, calls = default_storage.save, iter([True, False])

    def failing(name: str, file: Any) -> str:
        if next(calls):
            return save(name, file)
        raise OSError("no space")

    with monkeypatch.context() as broken, pytest.raises(OSError):
        broken.setattr(default_storage, "save", failing)
        processing.process(left.pk)

    left.refresh_from_db()
    assert (left.status, left.attempts) == ("processing", 0)
    assert stored() == []

    processing.process(left.pk)
    left.refresh_from_db()
    assert left.status == "ready"


def test_a_storage_elsewhere_keeps_what_waits_and_gives_it_to_whoever_processes(
    folders: Path, make: Make, settings: Any, waiting: Waiting
) -> None:
    """One that isn't a folder, such as a bucket: below a prefix there, and on this disk for as long as it takes."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": MEMORY},
    }
    entry: Any = Entry(folders / "staged", make())

    with transaction.atomic():
        video = processing.take(entry, "x")
        assert default_storage.listdir("received") == ([], [video.source])
        assert entry.path.exists()
    assert waiting() == []

    video.refresh_from_db()
    assert video.status == "ready"
    assert default_storage.listdir("received") == ([], [])
    assert len(stored()) == 2
    Video.objects.all().delete()
    default_storage.save(f"received/{'b' * 32}", ContentFile(b"nobody's"))
    processing.sweep()
    assert default_storage.exists(f"received/{'b' * 32}")
    with pytest.MonkeyPatch.context() as later:
        later.setattr(received, "STALE", timedelta(0))
        processing.sweep()
    assert not default_storage.exists(f"received/{'b' * 32}")


def test_a_visitor_has_so_many_waiting_and_no_more(left: Video, settings: Any, folders: Path) -> None:
    settings.VIDEOS = {**getattr(settings, "VIDEOS", {}), "WAITING": 1}
    with pytest.raises(UploadError) as refused:
        processing.take(Entry(folders / "sent", b"x"), "x")  # type: ignore[arg-type]
    assert refused.value.code == "busy"


class Entry:
    """As much of an `UploadEntry` as is looked at."""

    client_name, sha256, file_type = "sea.mp4", "0" * 64, MP4

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.size = path, len(data)
        path.write_bytes(data)

    @property
    def file(self) -> StagedFile:
        return StagedFile(self.path, self.client_name, "video/mp4")


def test_a_row_that_cannot_be_made_leaves_the_upload_as_it_was(
    folders: Path, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry: Any = Entry(folders / "staged", b"video")

    with monkeypatch.context() as broken, pytest.raises(RuntimeError):
        broken.setattr(Video.objects, "create", _fail)
        processing.take(entry, "x")

    assert entry.path.read_bytes() == b"video"
    assert waiting() == []


def _fail(**_fields: object) -> None:
    raise RuntimeError("no")


def test_nothing_begins_if_the_transaction_is_rolled_back(folders: Path, no_background: list[int]) -> None:
    entry: Any = Entry(folders / "staged", b"video")

    with pytest.raises(RuntimeError), transaction.atomic():
        processing.take(entry, "x")
        raise RuntimeError("later")

    assert no_background == []
    assert not Video.objects.exists()


def test_another_file_system_is_no_obstacle(
    folders: Path, waiting: Waiting, no_background: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another device")

    entry: Any = Entry(folders / "staged", b"video")
    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(os, "rename", refuse)

    video = processing.take(entry, "x")

    assert waiting() == [video.source]


def test_what_nobody_knows_any_more_is_swept(folders: Path, left: Video, waiting: Waiting) -> None:
    folder = folders / "staging-videos"
    long_ago = time.time() - 100_000
    for name in ("b" * 32, "b" * 32 + ".made", "c" * 32, left.source + ".made", "notes.txt"):
        (folder / name).write_bytes(b"")
    for name in (left.source, "b" * 32, "notes.txt"):
        os.utime(folder / name, (long_ago, long_ago))

    processing.sweep()  # what one machine does for all
    assert len(waiting()) == 6
    processing.sweep_here()

    assert waiting() == [left.source, left.source + ".made", "c" * 32, "notes.txt"]


def test_a_file_that_can_not_be_removed_keeps_no_other(left: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def away(name: str) -> None:
        tried.append(name)
        raise OSError("away")

    left.file, left.poster = "videos/film.mp4", "videos/film-p.webp"
    monkeypatch.setattr(default_storage, "delete", away)

    processing.discard(left)

    assert tried == ["videos/film.mp4", "videos/film-p.webp"]
    assert not Video.objects.exists()


@pytest.mark.parametrize(
    ("place", "minutes", "status"),
    [
        ("disk", 59, "processing"),
        ("disk", 61, "failed"),
        ("bucket", 9, "processing"),
        ("bucket", 11, "failed"),
    ],
)
def test_a_film_whose_file_is_nowhere_is_told_to_be_lost(
    left: Video, settings: Any, place: str, minutes: int, status: str
) -> None:
    """On a disk another machine may have it; in a bucket it would be, unless a version before that has it."""
    if place == "bucket":
        settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": MEMORY}}
    Video.objects.update(source="e" * 32, created_at=timezone.now() - timedelta(minutes=minutes))

    processing.process(left.pk)

    left.refresh_from_db()
    assert left.status == status
    assert (left.reason == "interrupted") is (status == "failed")


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (7, "0:07"), (754.6, "12:35"), (3723, "1:02:03")])
def test_a_length_is_shown_as_players_do(seconds: float, shown: str) -> None:
    assert Video(duration=seconds).length == shown


@pytest.mark.parametrize(
    ("name", "title"), [("sea.mp4", "sea"), ("my.holiday.mov", "my.holiday"), (".mp4", ".mp4"), ("", "Video")]
)
def test_a_video_is_called_like_its_file_at_first(name: str, title: str) -> None:
    assert Video.title_of(name) == title
