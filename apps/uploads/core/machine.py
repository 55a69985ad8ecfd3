"""One upload as a state machine: no sockets, no files, no Django.

Every way in drives this machine, and every step is checked against `TRANSITIONS`: a replay or a race finds the step
already done. An `Upload` is a value; the functions take one and return the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from uploads.errors import UploadError


class State(StrEnum):
    REGISTERED = "registered"
    RECEIVING = "receiving"
    SEALED = "sealed"
    CHECKING = "checking"
    READY = "ready"
    CONSUMED = "consumed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Step(StrEnum):
    RECEIVE = "receive"
    SEAL = "seal"
    CHECK = "check"
    ACCEPT = "accept"
    POSTPONE = "postpone"
    CONSUME = "consume"
    REJECT = "reject"
    CANCEL = "cancel"
    EXPIRE = "expire"


TERMINAL: Final = frozenset({State.CONSUMED, State.REJECTED, State.CANCELLED, State.EXPIRED})
OPEN: Final = frozenset({State.REGISTERED, State.RECEIVING})
_UNFINISHED: Final = (State.REGISTERED, State.RECEIVING, State.SEALED, State.CHECKING, State.READY)

TRANSITIONS: Final[dict[tuple[State, Step], State]] = {
    (State.REGISTERED, Step.RECEIVE): State.RECEIVING,
    (State.RECEIVING, Step.RECEIVE): State.RECEIVING,
    (State.REGISTERED, Step.SEAL): State.SEALED,  # of zero bytes, where a way in accepts those
    (State.RECEIVING, Step.SEAL): State.SEALED,
    (State.SEALED, Step.CHECK): State.CHECKING,
    (State.CHECKING, Step.ACCEPT): State.READY,
    (State.CHECKING, Step.POSTPONE): State.RECEIVING,  # complete, and to be sealed again
    (State.READY, Step.CONSUME): State.CONSUMED,
    **{(state, Step.REJECT): State.REJECTED for state in _UNFINISHED},
    **{(state, Step.CANCEL): State.CANCELLED for state in _UNFINISHED},
    **{(state, Step.EXPIRE): State.EXPIRED for state in _UNFINISHED},
}


class Impossible(Exception):
    """A step the state doesn't allow: somebody else was faster, or the caller made a mistake."""


@dataclass(frozen=True, slots=True)
class Upload:
    """`size` is what was declared, in bytes, and never changes.

    `received` counts the bytes that arrived in order, `written` those passed on to the sink, and `durable` those that a
    crash leaves there. On a disk the last two are equal; a writer that gathers parts has bytes that are written but not
    durable yet.
    """

    id: str
    size: int
    state: State = State.REGISTERED
    received: int = 0
    written: int = 0
    durable: int = 0
    error: UploadError | None = None

    @property
    def is_complete(self) -> bool:
        return self.written == self.size

    @property
    def progress(self) -> int:
        """Whole percent of the bytes that are written; 100 only when all are, and of no bytes when none are missed."""
        return 100 * self.written // self.size if self.size else 100 * (self.error is None)


@dataclass(frozen=True, slots=True)
class Write:
    """The chunk is new and in place: write it."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Every byte of the chunk is here already."""


@dataclass(frozen=True, slots=True)
class Misplaced:
    """The chunk doesn't follow what is here; the next one must start at `offset`."""

    offset: int


@dataclass(frozen=True, slots=True)
class Overrun:
    """The chunk follows what is here and runs past the declared size: the upload has been rejected."""


@dataclass(frozen=True, slots=True)
class Late:
    """The upload takes no more bytes."""


Verdict: TypeAlias = Write | Replay | Misplaced | Overrun | Late


def advance(upload: Upload, step: Step, error: UploadError | None = None) -> Upload:
    """The upload after `step`. Raises `Impossible` if its state doesn't allow it."""
    following = TRANSITIONS.get((upload.state, step))
    if following is None:
        raise Impossible(f"{upload.state} takes no {step}")
    return replace(upload, state=following, error=error or upload.error)


def receive(upload: Upload, offset: int, length: int) -> tuple[Upload, Verdict]:
    """A chunk of `length` bytes that starts at `offset` has arrived.

    More bytes than declared reject the upload, since no later chunk can mend it.
    """
    if upload.state not in OPEN:
        return upload, Late()
    if length and offset + length <= upload.received:
        return upload, Replay()
    if offset != upload.received or not length:
        return upload, Misplaced(upload.received)
    if offset + length > upload.size:
        return advance(upload, Step.REJECT, UploadError("size_mismatch")), Overrun()
    # In one step, as this is for each frame
    following, received = TRANSITIONS[upload.state, Step.RECEIVE], offset + length
    taken = Upload(upload.id, upload.size, following, received, upload.written, upload.durable, upload.error)
    return taken, Write()


def written(upload: Upload, count: int, durable: int | None = None) -> Upload:
    """The first `count` bytes are written; `durable` of them, by default all, survive a crash."""
    durable = count if durable is None else durable
    if not upload.written <= count <= upload.received or not upload.durable <= durable <= count:
        raise Impossible(f"{count} bytes can't be written and {durable} durable of {upload.received} received")
    return replace(upload, written=count, durable=durable)


def rewind(upload: Upload) -> Upload:
    """Bytes that were received but not written don't count: they are to be sent again."""
    return replace(upload, received=upload.written)


def resume(upload: Upload, offset: int) -> Upload:
    """The upload as it is resumed elsewhere, with `offset` bytes found where they were written."""
    if upload.state is not State.REGISTERED or not 0 <= offset <= upload.size:
        raise Impossible(f"{offset} bytes of {upload.size} can't be resumed from {upload.state}")
    if not offset:
        return upload
    return replace(upload, state=State.RECEIVING, received=offset, written=offset, durable=offset)


def restart(upload: Upload, offset: int) -> Upload:
    """The upload as its sink goes on after a failure: with `offset` bytes, and what followed has to come again."""
    if upload.state not in OPEN or not 0 <= offset <= upload.size:
        raise Impossible(f"{offset} bytes of {upload.size} can't be gone on from in {upload.state}")
    return replace(upload, received=offset, written=offset, durable=offset)


def seal(upload: Upload) -> Upload:
    """No more bytes will come. Raises `UploadError("incomplete")` unless every declared byte is written."""
    if upload.state in OPEN and not upload.is_complete:
        raise UploadError("incomplete")
    return advance(upload, Step.SEAL)
