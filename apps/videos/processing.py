"""What happens to a video after its last byte: moved aside, checked and remuxed in the background, then published.

A few threads of the server's own process do it, one at a time by default. A stopped process leaves its files and its
rows: whoever opens the page next has them taken up again. A lock on the file tells which process is at work, and goes
with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import astuple
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from liveview import pubsub
from liveview.threads import with_connections
from uploads import UploadEntry, UploadError, content
from uploads.staging import StagedFile
from videos.conf import conf
from videos.models import INTERRUPTED, Status, Video

logger = logging.getLogger("videos")

TOPIC: Final = "videos"
ACCEPT: Final = ".mp4,.m4v,.mov,.webm"
_EXTENSIONS: Final = {"mp4": ".mp4", "webm": ".webm"}
_OURS: Final = re.compile(r"[0-9a-f]{32}(\.\w+)?")  # a received file, or something made of it
_STALE: Final = 24 * 3600  # seconds after which a file that no row knows is removed


def check(entry: UploadEntry) -> None:
    """A validator: whatever can be told without decoding, in milliseconds whatever the size."""
    content.prescan_video(entry.path, _kind(entry))


def take(entry: UploadEntry, owner: str) -> Video:
    """Moves a ready entry's bytes aside and begins to process them. The row is there when this returns.

    Raises `UploadError("busy")` if too many of the owner's wait already.
    """
    if Video.objects.processing().filter(owner=owner).count() >= conf().waiting:
        raise UploadError("busy")
    source = uuid4().hex
    path = conf().folder / source
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    _move(entry.path, path)
    try:
        with transaction.atomic():
            video = Video.objects.create(
                owner=owner,
                title=Video.title_of(entry.client_name),
                name=entry.client_name,
                kind=_kind(entry),
                size=entry.size,
                sha256=entry.sha256,
                source=source,
            )
            transaction.on_commit(partial(begin, video.pk, owner))
    except BaseException:  # nothing is lost: the entry is as ready as before
        _move(path, entry.path)
        raise
    return video


def resume() -> None:
    """Takes up what a stopped process has left, and removes files that nobody knows any more."""
    known = set()
    for pk, source, owner in Video.objects.processing().values_list("pk", "source", "owner"):
        known.add(source)
        begin(pk, owner)
    before = time.time() - _STALE
    for path in conf().folder.iterdir() if conf().folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            is_known = path.name.partition(".")[0] in known
            if not is_known and _OURS.fullmatch(path.name) and path.lstat().st_mtime < before:
                path.unlink()


def discard(video: Video) -> None:
    """Removes a video, whatever its status, with all its files."""
    source = video.source
    video.delete()
    if source:
        transaction.on_commit(partial((conf().folder / source).unlink, missing_ok=True))


def _kind(entry: UploadEntry) -> str:
    assert entry.file_type is not None  # the slot takes videos only
    return entry.file_type.key


def _move(source: Path, target: Path) -> None:
    """Renames; copies only if somebody has put the two folders on different file systems."""
    try:
        os.replace(source, target)
    except OSError:
        shutil.move(source, target)


# The background


class Background:
    """Daemon threads that process the videos they are given: a server that stops doesn't wait for them.

    Whoever has had the least of their time lately is next: a hundred videos of one visitor delay nobody else's by more
    than the one that is under way.
    """

    def __init__(self, work: Callable[[int], None] | None = None) -> None:
        self._process = work or (lambda pk: with_connections(partial(process, pk)))
        self._waiting: dict[str, deque[int]] = {}  # by owner
        self._used: dict[str, float] = {}  # seconds, of owners of whom something waits or has lately
        self._known: set[int] = set()  # waiting or under way
        self._threads = 0
        self._changed = threading.Condition()

    def add(self, pk: int, owner: str) -> None:
        with self._changed:
            if pk in self._known:
                return
            self._known.add(pk)
            self._waiting.setdefault(owner, deque()).append(pk)
            self._used.setdefault(owner, 0.0)
            self._changed.notify_all()
            if self._threads < min(conf().workers, len(self._known)):
                self._threads += 1
                threading.Thread(target=self._work, name=f"videos-{self._threads}", daemon=True).start()

    def join(self) -> None:
        """Returns when nothing is left to do."""
        with self._changed:
            self._changed.wait_for(lambda: not self._known)

    def _work(self) -> None:
        while True:
            pk, owner = self._next()
            began = time.monotonic()
            try:
                self._process(pk)
            except Exception:  # the database, for one: the row waits to be taken up again
                logger.exception("Could not process video %s", pk)
            finally:
                self._done(pk, owner, time.monotonic() - began)

    def _next(self) -> tuple[int, str]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            owner = min(self._waiting, key=lambda owner: self._used[owner])
            mine = self._waiting[owner]
            pk = mine.popleft()
            if not mine:
                del self._waiting[owner]
            return pk, owner

    def _done(self, pk: int, owner: str, seconds: float) -> None:
        with self._changed:
            self._known.discard(pk)
            self._used[owner] += seconds
            if not self._known:
                self._used = {}
            self._changed.notify_all()


BACKGROUND: Final = Background()


def begin(pk: int, owner: str) -> None:
    """Has a video processed in the background, unless it already is."""
    BACKGROUND.add(pk, owner)


def process(pk: int) -> None:
    """Makes a received file a published video, or says why not. Blocks; does nothing if another process is at it."""
    video = Video.objects.processing().filter(pk=pk).first()
    if video is None:
        return
    try:
        with _claimed(conf().folder / video.source) as source:
            if source is not None and Video.objects.processing().filter(pk=pk).exists():
                _attempt(video, source)
    except FileNotFoundError:
        # On a machine that isn't ours, perhaps: somebody else may have it.
        if video.created_at < timezone.now() - timedelta(seconds=conf().lost_after):
            _fail(video, INTERRUPTED)


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[Path | None]:
    """The file, locked for this process; None if another one has it."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield path


def _attempt(video: Video, source: Path) -> None:
    """Counted before it is made: what kills the process is not tried for ever."""
    made, poster = source.with_suffix(".made"), source.with_suffix(".poster")
    over = [source, made, poster]
    Video.objects.filter(pk=video.pk).update(attempts=F("attempts") + 1)
    try:
        if video.attempts >= conf().attempts:
            raise UploadError(INTERRUPTED)
        _publish(video, made, poster, content.process_video(source, video.kind, made, poster))
    except UploadError as refused:
        if _is_put_off(video, refused):
            over.remove(source)
        else:
            _fail(video, refused.code)
    except Exception:  # not about the file: its owner is told, and somebody has to look into it
        logger.exception("Processing video %s failed", video.pk)
        _fail(video, "server_error")
    finally:
        for path in over:
            path.unlink(missing_ok=True)


def _is_put_off(video: Video, refused: UploadError) -> bool:
    """Whether it was we who had no time: it waits for the next round, which is no attempt, but not forever."""
    if refused.code != "busy" or video.created_at < timezone.now() - timedelta(seconds=conf().lost_after):
        return False
    Video.objects.filter(pk=video.pk).update(attempts=F("attempts") - 1)
    return True


def _publish(video: Video, made: Path, poster: Path, facts: content.Video) -> None:
    stem = f"videos/{uuid4().hex}"
    stored: dict[str, str] = {}
    try:
        for field, path, name in (
            ("file", made, stem + _EXTENSIONS[facts.container]),
            ("poster", poster, f"{stem}-p.webp"),
        ):
            with StagedFile(path, name, "") as file:
                stored[field] = default_storage.save(name, file)
        is_published = _update(
            video,
            status=Status.READY,
            source="",
            width=facts.width,
            height=facts.height,
            duration=facts.duration,
            rotation=facts.rotation,
            is_mirrored=facts.is_mirrored,
            mime=facts.mime,
            video_codec=facts.video_codec,
            audio_codec=facts.audio_codec,
            warnings=[astuple(warning) for warning in facts.warnings],
            **stored,
        )
    except BaseException:
        _remove(stored)
        raise
    if not is_published:  # deleted meanwhile
        _remove(stored)


def _remove(stored: dict[str, str]) -> None:
    for name in stored.values():
        default_storage.delete(name)


def _fail(video: Video, reason: str) -> None:
    """The hash stays with accepted files only."""
    _update(video, status=Status.FAILED, reason=reason, source="", sha256="")


def _update(video: Video, **fields: object) -> bool:
    """Ends the processing; False if somebody has deleted the row."""
    changed = Video.objects.processing().filter(pk=video.pk).update(**fields)
    pubsub.broadcast(TOPIC, {})
    return bool(changed)
