"""The steps of an upload: open, feed, commit, settle. Every way in calls these and nothing else.

    open      its bytes and its place are reserved             in a thread, once
    feed      a piece has arrived: is it accepted?             on the event loop, for each piece; never blocks
    commit    accepted pieces go to the upload's sink          in a thread, for each batch
    settle    sealed, validated, and ready or refused          in a thread, once

The rules for all uploads are checked here: quotas, whether the session has ended, whether somebody else has resumed the
upload, what its first bytes are, how long it may be. A way in says how its client is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from uploads import events
from uploads.core.machine import Late, Misplaced, Overrun, Replay, Step, Write
from uploads.entries.entry import UploadEntry
from uploads.entries.uploader import Uploader
from uploads.entries.validation import validate
from uploads.errors import UploadError
from uploads.external import RemoteSink

__all__ = [
    "Incomplete",
    "Late",
    "Misplaced",
    "Postponed",
    "Ready",
    "Refused",
    "Replay",
    "Write",
    "arrived",
    "commit",
    "deliver",
    "feed",
    "open",
    "resume",
    "rewind",
    "settle",
]


@dataclass(frozen=True, slots=True)
class Refused:
    """The upload is over, or its session is (`session_ended`). What an ended upload left goes when it is settled."""

    error: UploadError


@dataclass(frozen=True, slots=True)
class Ready:
    """Every byte is here and every validator has passed."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """Something that passes has kept it from being settled, such as a storage that is away: nothing of it is lost."""

    error: UploadError


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Bytes are missing: the upload stays open, from `offset` on."""

    offset: int


Verdict: TypeAlias = Write | Replay | Misplaced | Late | Refused
Outcome: TypeAlias = Ready | Incomplete | Postponed | Refused


def open(entry: UploadEntry, uploader: Uploader) -> None:  # noqa: A001  (always called as `drive.open`)
    """Reserves what the upload needs, before a byte of it is taken. Blocks.

    Raises `UploadError`: `session_ended`; `quota` if the uploader has too much under way, `busy` if all together
    have, `storage_full` if the disk has no room; `cancelled` if it was ended meanwhile.
    """
    uploader.expect_session()
    entry.reserve(uploader)
    events.tell("registered", entry)


def resume(entry: UploadEntry, uploader: Uploader) -> None:
    """Resumes from what came before, under the entry's hold, and reserves what is missing. Blocks.

    Raises `UploadError`: `session_ended`, `quota`, `busy` or `locked` if the client may retry; nothing has changed
    then (nor after `storage_full`). Anything else means that the upload must start over; nothing of it is left then.
    """
    try:
        uploader.expect_session()
        entry.reopen()
    except UploadError as refused:
        if refused.code in ("locked", "session_ended"):
            entry.hold.release()
            raise
        if refused.code != "unknown_ref":
            entry.fail(refused)
        entry.discard()
        raise
    except BaseException:
        entry.hold.release()
        raise
    try:
        entry.reserve(uploader)
    except UploadError:
        entry.park()
        raise


def feed(entry: UploadEntry, piece: bytes | memoryview, offset: int | None = None) -> Verdict:
    """A piece has arrived, to be written if the answer is `Write`. On the event loop or in a thread; never blocks.

    offset: where it starts in the file, in bytes; without one it follows what is here.
    """
    if entry.uploader.has_left:
        return Refused(UploadError("session_ended"))
    match entry.receive(entry.upload.received if offset is None else offset, len(piece)):
        case Overrun():
            return Refused(entry.upload.error or UploadError("size_mismatch"))
        case Write() as taken:
            return taken if entry.slot.verify else _look(entry, piece) or taken
        case verdict:
            return verdict


def commit(entry: UploadEntry, pieces: Sequence[bytes | memoryview], verify: Callable[[], None] | None = None) -> None:
    """Writes pieces that `feed` has accepted, in that order. Blocks. One thread at a time per upload.

    Raises `UploadError`: the upload has failed, unless it is still open. Then it can be resumed after `session_ended`,
    and settled, as far as it got, after anything else.

    verify: compares the pieces with their digests, for a slot that verifies. What it raises is raised before anything
        is written, and the upload stays as it was.
    """
    if verify is not None:
        verify()
    try:
        entry.uploader.expect_session()
        if entry.slot.verify:
            for piece in pieces:
                entry.look(piece)
        entry.hold.keep()
        entry.sink.write(pieces)
    except UploadError as failure:
        lives_on = failure.passes and entry.sink.is_broken and entry.sink.outlives
        if failure.code != "session_ended" and not lives_on:
            entry.fail(failure)
        raise
    entry.written(sum(map(len, pieces)))


def settle(entry: UploadEntry, expect: Callable[[], None] | None = None) -> Outcome:
    """From the last byte to ready or refused. Blocks for as long as validators and sinks take; may be called again.

    Nothing is left of a refused upload, unless somebody else has resumed it: then the bytes are theirs. If the session
    has ended, it is refused and left as it was. A postponed one is open again, and complete.

    expect: raises `UploadError` if what was true at registration no longer holds.
    """
    try:
        if entry.is_open:
            entry.uploader.expect_session()
    except UploadError as ended:
        return Refused(ended)
    away = _restart(entry)
    if away is not None and away.passes:
        return Postponed(away)
    if away is not None:
        entry.fail(away)
    elif entry.seal():
        entry.advance(Step.CHECK)
        refusal = _unexpected(expect) or validate(entry)
        if refusal is None and entry.advance(Step.ACCEPT):
            return Ready()
        if refusal is not None and refusal.passes and entry.sink.outlives and entry.advance(Step.POSTPONE):
            return Postponed(refusal)
        entry.fail(refusal or UploadError("cancelled"))
    elif entry.is_open:
        return Incomplete(entry.upload.durable)
    elif not entry.is_over:  # somebody else is settling it, or has
        return Ready() if entry.is_ready else Refused(UploadError("locked"))
    entry.discard()
    return Refused(entry.upload.error or UploadError("unknown_ref"))


def deliver(entry: UploadEntry, pieces: Iterable[bytes]) -> Outcome:
    """A file that is here already, from its first byte to its end. Blocks.

    An incomplete one is refused. If the session has ended, it is refused and stays open.
    """
    try:
        for piece in pieces:
            if not isinstance(feed(entry, piece), Write):
                break
            commit(entry, [piece])
    except UploadError as failure:
        if failure.code == "session_ended":
            return Refused(failure)
        if failure.passes and entry.is_open:
            return Postponed(failure)
        entry.fail(failure)
    outcome = settle(entry)
    if isinstance(outcome, Incomplete):
        entry.fail(UploadError("incomplete"))
        return settle(entry)
    return outcome


def arrived(entry: UploadEntry) -> None:
    """All seems to have been sent to external storage: checks there. Blocks; raises `UploadError`.

    A cancellation meanwhile cleans up afterwards, not between two requests of ours.
    """
    assert isinstance(entry.sink, RemoteSink)
    entry.pin()
    try:
        stored = entry.sink.arrived()
        if stored.size != entry.size:
            raise UploadError("size_mismatch")
        if stored.head is not None:
            entry.look(stored.head)
        entry.arrived(stored.result)
    finally:
        entry.release()


def rewind(entry: UploadEntry) -> int:
    """What was accepted but not written is to be sent again; the offset of the next piece."""
    return entry.rewind()


def _look(entry: UploadEntry, piece: bytes | memoryview) -> Refused | None:
    try:
        entry.look(piece)
    except UploadError as mismatch:
        entry.fail(mismatch)
        return Refused(entry.upload.error or mismatch)
    return None


def _restart(entry: UploadEntry) -> UploadError | None:
    """What keeps it from going on. A cancellation meanwhile cleans up afterwards."""
    if not entry.is_open:
        return None
    entry.pin()
    try:
        entry.restart()
    except UploadError as failure:
        return UploadError("storage_unavailable") if failure.code == "locked" else failure
    finally:
        entry.release()
    return None


def _unexpected(expect: Callable[[], None] | None) -> UploadError | None:
    try:
        if expect is not None:
            expect()
    except UploadError as misfit:
        return misfit
    return None
