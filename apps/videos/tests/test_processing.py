"""What happens behind the page: interruptions, other processes, and what is left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import transaction
from django.test import Client
from django.utils import timezone

from uploads import UploadError
from uploads.core.sniffing import MP4
from uploads.testing import mount
from videos import processing
from videos.models import Video

from .conftest import Make

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/videos/"
Waiting = Callable[[], list[str]]


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


def test_what_a_stopped_process_left_is_taken_up_by_the_next_visit(client: Client, left: Video) -> None:
    with mount(URL, client) as page:
        page.wait_html("<video")

    left.refresh_from_db()
    assert (left.status, left.attempts) == ("ready", 1)


def test_a_file_that_kills_the_process_is_not_tried_for_ever(left: Video, waiting: Waiting) -> None:
    Video.objects.update(attempts=2)

    processing.process(left.pk)

    left.refresh_from_db()
    assert (left.status, left.reason) == ("failed", "interrupted")
    assert "send it again" in left.sentence
    assert waiting() == []


def test_another_process_that_is_at_it_is_left_alone(left: Video, folders: Path) -> None:
    path = folders / "staging-videos" / left.source
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        processing.process(left.pk)
        left.refresh_from_db()
        assert (left.status, left.attempts) == ("processing", 0)

    processing.process(left.pk)

    left.refresh_from_db()
    assert left.status == "ready"


def test_a_file_that_is_not_here_may_be_elsewhere_and_is_given_up_after_a_while(left: Video, folders: Path) -> None:
    (folders / "staging-videos" / left.source).unlink()

    processing.process(left.pk)
    left.refresh_from_db()
    assert left.status == "processing"

    Video.objects.update(created_at=timezone.now() - timedelta(hours=2))
    processing.process(left.pk)
    left.refresh_from_db()
    assert (left.status, left.reason) == ("failed", "interrupted")


def test_a_mistake_of_our_own_is_logged_and_told(
    left: Video, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, waiting: Waiting
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("our own mistake")

    monkeypatch.setattr(processing.content, "process_video", fail)

    processing.process(left.pk)

    left.refresh_from_db()
    assert (left.status, left.reason) == ("failed", "server_error")
    assert "our own mistake" in caplog.text
    assert waiting() == []


def test_what_there_was_no_time_for_is_tried_again_and_not_for_ever(
    left: Video, monkeypatch: pytest.MonkeyPatch, waiting: Waiting
) -> None:
    """It is we who were too slow: the file may be good, and no attempt was wasted."""
    made, tried = processing.content.process_video, iter(["busy", "busy", "busy", ""])

    def process(*args: Any) -> Any:
        if code := next(tried):
            raise UploadError(code)
        return made(*args)

    monkeypatch.setattr(processing.content, "process_video", process)
    for _ in range(3):
        processing.process(left.pk)
        left.refresh_from_db()
        assert (left.status, left.attempts, waiting()) == ("processing", 0, [left.source])

    processing.resume()
    assert waiting() == []
    left.refresh_from_db()
    assert left.status == "ready"


def test_who_never_gets_any_time_is_told_in_the_end(
    left: Video, monkeypatch: pytest.MonkeyPatch, waiting: Waiting
) -> None:
    def process(*_: Any) -> Any:
        raise UploadError("busy")

    monkeypatch.setattr(processing.content, "process_video", process)
    Video.objects.update(created_at=timezone.now() - timedelta(hours=2))

    processing.process(left.pk)

    left.refresh_from_db()
    assert (left.status, left.reason) == ("failed", "busy")
    assert waiting() == []


def test_a_publication_that_fails_leaves_no_file(
    left: Video, monkeypatch: pytest.MonkeyPatch, waiting: Waiting
) -> None:
    save, calls = default_storage.save, iter([True, False])

    def failing(name: str, file: Any) -> str:
        if next(calls):
            return save(name, file)
        raise OSError("no space")

    monkeypatch.setattr(default_storage, "save", failing)

    processing.process(left.pk)

    left.refresh_from_db()
    assert left.status == "failed"
    assert stored() == waiting() == []


def test_a_video_is_begun_once_however_often_it_is_asked_for(left: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    background = processing.Background()
    begun: list[int] = []
    monkeypatch.setattr(processing, "process", begun.append)
    background._known.add(left.pk)  # the worker can't finish before it is asked again
    background.add(left.pk, "me")
    background._known.clear()

    background.add(left.pk, "me")
    background.join()

    assert begun == [left.pk]


def test_a_worker_outlives_a_failure(left: Video, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    background = processing.Background()
    asked: list[int] = []

    def fail(pk: int) -> None:
        asked.append(pk)
        raise RuntimeError("the database is away")

    monkeypatch.setattr(processing, "process", fail)
    for _ in range(2):
        background.add(left.pk, "me")
        background.join()

    assert asked == [left.pk, left.pk]


def test_one_visitors_many_videos_delay_nobody_elses_by_more_than_one() -> None:
    done: list[int] = []
    may_begin = threading.Event()

    def work(pk: int) -> None:
        assert may_begin.wait(30)
        done.append(pk)

    background = processing.Background(work)
    for pk in range(20):
        background.add(pk, "eve")
    background.add(100, "bob")
    may_begin.set()
    background.join()

    assert done.index(100) <= 1
    assert sorted(done) == [*range(20), 100]


def test_a_visitor_has_so_many_waiting_and_no_more(left: Video, settings: Any, folders: Path) -> None:
    settings.VIDEOS = {**getattr(settings, "VIDEOS", {}), "WAITING": 1}
    with pytest.raises(UploadError) as refused:
        processing.take(Entry(folders / "sent", b"x"), "x")  # type: ignore[arg-type]
    assert refused.value.code == "busy"


class Entry:
    """As much of an `UploadEntry` as is looked at."""

    client_name, size, sha256, file_type = "sea.mp4", 1, "0" * 64, MP4

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        path.write_bytes(data)


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
    assert not entry.path.exists()


def test_what_nobody_knows_any_more_is_swept(
    folders: Path, left: Video, waiting: Waiting, no_background: list[int]
) -> None:
    folder = folders / "staging-videos"
    long_ago = time.time() - 100_000
    for name in ("b" * 32, "b" * 32 + ".made", "c" * 32, "notes.txt"):
        (folder / name).write_bytes(b"")
    for name in (left.source, "b" * 32, "b" * 32 + ".made", "notes.txt"):
        os.utime(folder / name, (long_ago, long_ago))

    processing.resume()

    assert waiting() == [left.source, "c" * 32, "notes.txt"]
    assert no_background == [left.pk]


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (7, "0:07"), (754.6, "12:35"), (3723, "1:02:03")])
def test_a_length_is_shown_as_players_do(seconds: float, shown: str) -> None:
    assert Video(duration=seconds).length == shown


@pytest.mark.parametrize(
    ("name", "title"), [("sea.mp4", "sea"), ("my.holiday.mov", "my.holiday"), (".mp4", ".mp4"), ("", "Video")]
)
def test_a_video_is_called_like_its_file_at_first(name: str, title: str) -> None:
    assert Video.title_of(name) == title
