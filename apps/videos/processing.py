"""What happens to a video after its last byte: kept, checked and remuxed in the background, then published.

A job does it (`liveview.jobs`), in the server's process or in a worker. The row is the truth: it names the received
file, and what is being made of it. So an attempt that another has taken over, or whose video was deleted, can't
publish, and what a killed one has left behind is removed by the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from datetime import timedelta
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import uuid4

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from liveview import jobs, pubsub
from uploads import UploadEntry, UploadError, content
from uploads.keeping import remove_for_good
from uploads.staging import StagedFile
from videos import received
from videos.conf import conf
from videos.models import INTERRUPTED, Status, Video

logger = logging.getLogger("videos")

TOPIC: Final = "videos"
ACCEPT: Final = ".mp4,.m4v,.mov,.webm"
PASSING: Final = frozenset({"busy", "storage_full", "storage_unavailable", "server_error"})  # not the file's fault
LOST_AFTER: Final = 3600  # seconds
LOST_AFTER_DEPLOY: Final = 600  # seconds that a host runs an old version beside the new one, at most
BYTES: Final = 20_000_000  # that are processed in a second, or so
_EXTENSIONS: Final = {"mp4": ".mp4", "webm": ".webm"}


def check(entry: UploadEntry) -> None:
    """A validator: whatever can be told without decoding, in milliseconds whatever the size."""
    content.prescan_video(entry.path, _kind(entry))


def take(entry: UploadEntry, owner: str) -> Video:
    """Keeps a ready entry's bytes and has them processed. The row is there when this returns.

    Raises `UploadError("busy")` if too many of the owner's wait already.
    """
    if Video.objects.processing().filter(owner=owner).count() >= conf().waiting:
        raise UploadError("busy")
    source = received.keep(entry)
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
            process.enqueue(video.pk, share=owner, cost=_cost(entry.size))
    except BaseException:  # nothing is lost: the entry is as ready as before
        received.remove(source)
        raise
    return video


def discard(video: Video) -> None:
    """Removes a video, whatever its status, with all its files."""
    source = video.source
    video.delete()
    if source:
        transaction.on_commit(lambda: received.remove(source), robust=True)  # else the sweep does


def _kind(entry: UploadEntry) -> str:
    assert entry.file_type is not None  # the slot takes videos only
    return entry.file_type.key


def _cost(size: int) -> float:
    return 1 + size / BYTES


# The background


def _left() -> Iterator[jobs.Job]:
    for pk, owner, size in Video.objects.processing().values_list("pk", "owner", "size"):
        yield jobs.Job((pk,), owner, _cost(size))


def _give_up(failure: Exception | None, pk: int) -> None:
    """It isn't the file's fault, as far as we know, and we have tried for long."""
    video = Video.objects.processing().filter(pk=pk).first()
    if video is not None:
        code = failure.code if isinstance(failure, UploadError) else "server_error"
        _fail(video, code if failure else INTERRUPTED)


@jobs.task(left=_left, given_up=_give_up, at_once=lambda: conf().workers)
def process(pk: int) -> None:
    """Makes a received file a published video, or says why not. Raises what may be better when it is tried again."""
    video = Video.objects.processing().filter(pk=pk).first()
    if video is None:
        return
    if not received.is_there(video.source):
        # On a machine that isn't ours, perhaps: somebody else may have it.
        if video.created_at < timezone.now() - timedelta(seconds=_lost_after()):
            _fail(video, INTERRUPTED)
    elif video.attempts >= conf().attempts:
        _fail(video, INTERRUPTED)
    else:
        _attempt(video)


def _lost_after() -> int:
    """In a bucket a file is there before its row is: only a process of a version that had none may have it still."""
    return conf().lost_after or (LOST_AFTER if received.are_here() else LOST_AFTER_DEPLOY)


def _attempt(video: Video) -> None:
    """Counted before it is made: what kills the process is not tried for ever."""
    with _begun(video) as stem:
        if not stem:
            return
        made, poster = received.scratch(stem, "made"), received.scratch(stem, "poster")
        try:
            with received.fetched(video.source, stem) as source:
                facts = content.process_video(source, video.kind, made, poster)
            _publish(video, made, poster, facts)
        except UploadError as refused:
            if refused.code in PASSING:
                raise
            _fail(video, refused.code)
        finally:
            for path in (made, poster):
                path.unlink(missing_ok=True)


@contextmanager
def _begun(video: Video) -> Iterator[str]:
    """The attempt's own stem, which the row names from now on; empty if another attempt has begun just now.

    If it raises, it wasn't the file, and is as good as not begun. Unless it was taken over, or its video was deleted:
    then nobody asks any more.
    """
    before = {"file": str(video.file), "poster": str(video.poster)}
    stem = uuid4().hex
    mine = {"file": f"videos/{stem}{_EXTENSIONS[video.kind]}", "poster": f"videos/{stem}-p.webp"}
    if not _still(video).update(attempts=F("attempts") + 1, **mine):
        yield ""
        return
    video.file, video.poster = mine["file"], mine["poster"]
    try:
        _remove(before)
        before = mine
        yield stem
    except Exception:
        if _still(video).update(attempts=F("attempts") - 1, **before):
            raise


def _publish(video: Video, made: Path, poster: Path, facts: content.Video) -> None:
    name = str(PurePath(str(video.file)).with_suffix(_EXTENSIONS[facts.container]))
    if not _still(video).update(file=name):
        return
    video.file = name
    names = {"file": name, "poster": str(video.poster)}
    try:
        for field, path in (("file", made), ("poster", poster)):
            with StagedFile(path, names[field], "") as file:
                names[field] = default_storage.save(names[field], file)
        is_published = _end(
            video,
            status=Status.READY,
            width=facts.width,
            height=facts.height,
            duration=facts.duration,
            rotation=facts.rotation,
            is_mirrored=facts.is_mirrored,
            mime=facts.mime,
            video_codec=facts.video_codec,
            audio_codec=facts.audio_codec,
            warnings=[astuple(warning) for warning in facts.warnings],
            **names,
        )
    except BaseException:
        _remove(names)
        raise
    if not is_published:  # deleted meanwhile, or taken over
        _remove(names)


def _remove(stored: dict[str, str]) -> None:
    for name in filter(None, stored.values()):
        default_storage.delete(name)


def _fail(video: Video, reason: str) -> None:
    """The hash stays with accepted files only."""
    made = {"file": str(video.file), "poster": str(video.poster)}
    if _end(video, status=Status.FAILED, reason=reason, sha256="", file="", poster=""):
        _remove(made)


def _still(video: Video) -> Any:
    """The row, while this run of its processing is the current one."""
    return Video.objects.processing().filter(pk=video.pk, file=str(video.file))


def _end(video: Video, **fields: object) -> bool:
    """Ends the processing; False if it isn't ours any more."""
    is_ours = bool(_still(video).update(source="", **fields))
    if is_ours:
        received.remove(video.source)
    pubsub.broadcast(TOPIC, {})
    return is_ours


# What is left behind


def expire() -> None:
    """Removes the videos that are overdue, with their files, and from every open page."""
    gone = remove_for_good(Video.objects.overdue(), Video.files, discard)
    if any(video.deleted_at is None for video in gone):
        pubsub.broadcast(TOPIC, {})


def sweep() -> None:
    """Removes received files that nobody knows any more, where all machines have one place for them."""
    if not received.are_here():
        _sweep_received()


def sweep_here() -> None:
    """Removes what is on this machine's disk and nobody knows: received files, and what earlier attempts have left."""
    if received.are_here():
        _sweep_received()
    _sweep_made()


def _sweep_received() -> None:
    received.sweep(set(Video.objects.processing().values_list("source", flat=True)))


def _sweep_made() -> None:
    made = received.made()  # first: a row knows of an attempt before there is a file
    rows = Video.objects.processing().values_list("source", "file")
    known = {stem for source, file in rows for stem in (source, PurePath(file).stem)}
    for path in made:
        if path.name.partition(".")[0] not in known:
            path.unlink(missing_ok=True)
