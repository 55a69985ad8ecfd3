from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from uploads.core import machine
from uploads.core.machine import (
    OPEN,
    TERMINAL,
    TRANSITIONS,
    Impossible,
    Late,
    Misplaced,
    Overrun,
    Replay,
    State,
    Step,
    Upload,
    Write,
    advance,
    receive,
    resume,
    rewind,
    seal,
    written,
)
from uploads.errors import UploadError

ALLOWED = {
    State.REGISTERED: {Step.RECEIVE, Step.SEAL, Step.REJECT, Step.CANCEL, Step.EXPIRE},
    State.RECEIVING: {Step.RECEIVE, Step.SEAL, Step.REJECT, Step.CANCEL, Step.EXPIRE},
    State.SEALED: {Step.CHECK, Step.REJECT, Step.CANCEL, Step.EXPIRE},
    State.CHECKING: {Step.ACCEPT, Step.POSTPONE, Step.REJECT, Step.CANCEL, Step.EXPIRE},
    State.READY: {Step.CONSUME, Step.REJECT, Step.CANCEL, Step.EXPIRE},
    State.CONSUMED: set(),
    State.REJECTED: set(),
    State.CANCELLED: set(),
    State.EXPIRED: set(),
}
LEADS_TO = {
    Step.RECEIVE: State.RECEIVING,
    Step.SEAL: State.SEALED,
    Step.CHECK: State.CHECKING,
    Step.ACCEPT: State.READY,
    Step.POSTPONE: State.RECEIVING,
    Step.CONSUME: State.CONSUMED,
    Step.REJECT: State.REJECTED,
    Step.CANCEL: State.CANCELLED,
    Step.EXPIRE: State.EXPIRED,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_every_cell_of_the_table(state: State, step: Step) -> None:
    upload = Upload("id", 10, state)
    if step in ALLOWED[state]:
        assert advance(upload, step).state is LEADS_TO[step]
    else:
        with pytest.raises(Impossible):
            advance(upload, step)


def test_the_table_holds_nothing_else() -> None:
    assert set(TRANSITIONS) == {(state, step) for state, steps in ALLOWED.items() for step in steps}
    assert {state for state, steps in ALLOWED.items() if not steps} == TERMINAL
    assert {state for state, steps in ALLOWED.items() if Step.RECEIVE in steps} == OPEN


def test_every_state_can_be_reached() -> None:
    reached, before = {State.REGISTERED}, set[State]()
    while reached != before:
        before = set(reached)
        reached |= {after for (state, _step), after in TRANSITIONS.items() if state in before}
    assert reached == set(State)


def test_the_reason_of_the_first_end_is_kept() -> None:
    upload = advance(Upload("id", 10), Step.REJECT, UploadError("too_large"))
    assert upload.error == UploadError("too_large")
    with pytest.raises(Impossible):
        advance(upload, Step.REJECT, UploadError("empty"))


def test_a_chunk_in_place_is_written() -> None:
    upload, verdict = receive(Upload("id", 10), 0, 4)
    assert (upload.state, upload.received, upload.durable, verdict) == (State.RECEIVING, 4, 0, Write())


@pytest.mark.parametrize("offset", [0, 3, 5, 10, 11, 2**53])
def test_a_chunk_elsewhere_is_told_where_to_go_on(offset: int) -> None:
    before = Upload("id", 10, State.RECEIVING, received=4)
    assert receive(before, offset, 6 if offset < 4 else 1) == (before, Misplaced(4))


def test_a_chunk_that_is_here_already_is_a_replay() -> None:
    before = Upload("id", 10, State.RECEIVING, received=4)
    assert receive(before, 1, 3) == (before, Replay())
    assert receive(before, 0, 4) == (before, Replay())


def test_an_empty_chunk_changes_nothing() -> None:
    before = Upload("id", 10, State.RECEIVING, received=4)
    assert receive(before, 4, 0) == (before, Misplaced(4))
    assert receive(before, 0, 0) == (before, Misplaced(4))


def test_a_byte_more_than_declared_rejects_the_upload() -> None:
    upload, verdict = receive(Upload("id", 10, State.RECEIVING, received=4), 4, 7)
    assert verdict == Overrun()
    assert (upload.state, upload.error, upload.received) == (State.REJECTED, UploadError("size_mismatch"), 4)


@pytest.mark.parametrize("state", sorted(set(State) - OPEN))
def test_a_late_chunk_changes_nothing(state: State) -> None:
    before = Upload("id", 10, state, received=4)
    assert receive(before, 4, 1) == (before, Late())


def test_an_upload_is_not_sealed_before_its_last_byte_is_written() -> None:
    upload, _ = receive(Upload("id", 10), 0, 10)
    with pytest.raises(UploadError) as raised:
        seal(upload)
    assert raised.value.code == "incomplete"
    assert seal(written(upload, 10)).state is State.SEALED


def test_what_was_not_received_cannot_be_durable() -> None:
    upload, _ = receive(Upload("id", 10), 0, 4)
    with pytest.raises(Impossible):
        written(upload, 5)
    with pytest.raises(Impossible):
        written(written(upload, 4), 3)


@given(size=st.integers(1, 10**12), data=st.data())
def test_progress_reaches_100_with_the_last_byte_only(size: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, size))
    progress = Upload("id", size, State.RECEIVING, size, count).progress
    assert 0 <= progress <= 100
    assert (progress == 100) == (count == size)


def test_what_is_written_need_not_be_durable_yet() -> None:
    upload, _ = receive(Upload("id", 10), 0, 10)
    upload = written(upload, 8, durable=4)
    assert (upload.progress, upload.durable) == (80, 4)
    assert seal(written(upload, 10, durable=4)).state is State.SEALED
    with pytest.raises(Impossible):
        written(upload, 8, durable=9)
    with pytest.raises(Impossible):
        written(upload, 9, durable=3)


class Interleaving(RuleBasedStateMachine):
    """A client that sends what it likes, a disk that lags behind, a crash now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.source = bytes(range(60))
        self.upload = Upload("id", len(self.source))
        self.arrived = bytearray()  # what `Write` let through
        self.disk = bytearray()  # how much of it is durable
        self.ended: Upload | None = None

    @rule(offset=st.integers(0, 70), length=st.integers(0, 70))
    def any_chunk(self, offset: int, length: int) -> None:
        self.take(offset, self.source[offset : offset + length].ljust(length, b"?"))

    @rule(length=st.integers(1, 20))
    def next_chunk(self, length: int) -> None:
        self.take(self.upload.received, self.source[self.upload.received :][:length])

    @rule()
    def last_chunk_again(self) -> None:
        start = max(0, self.upload.received - 5)
        before = self.upload
        verdict = self.take(start, bytes(self.arrived[start:]))
        if before.state in OPEN and before.received:
            assert verdict == Replay()
            assert self.upload == before

    @rule(length=st.integers(1, 20))
    def one_too_many(self, length: int) -> None:
        before = self.upload
        self.take(self.upload.received, self.source[self.upload.received :] + b"x" * length)
        if before.state in OPEN:
            assert self.upload.error == UploadError("size_mismatch")

    def take(self, offset: int, chunk: bytes) -> machine.Verdict:
        self.upload, verdict = receive(self.upload, offset, len(chunk))
        match verdict:
            case Write():
                self.arrived += chunk
            case Misplaced(expected):
                assert expected == len(self.arrived)
        return verdict

    @rule(data=st.data())
    def disk_catches_up(self, data: st.DataObject) -> None:
        more = data.draw(st.integers(0, len(self.arrived) - len(self.disk)))
        self.disk += self.arrived[len(self.disk) :][:more]
        self.upload = written(self.upload, len(self.disk))

    @rule(step=st.sampled_from([Step.CHECK, Step.ACCEPT, Step.CONSUME]))
    def step_on(self, step: Step) -> None:
        try:
            self.upload = advance(self.upload, step)
        except Impossible:
            assert (self.upload.state, step) not in TRANSITIONS

    @rule(step=st.sampled_from([Step.CANCEL, Step.EXPIRE, Step.REJECT]))
    @precondition(lambda self: len(self.arrived) > 50)
    def end(self, step: Step) -> None:
        try:
            self.upload = advance(self.upload, step, UploadError("cancelled"))
        except Impossible:
            assert self.upload.state in TERMINAL

    @rule()
    def seal(self) -> None:
        try:
            self.upload = seal(self.upload)
        except UploadError as refused:
            assert refused.code == "incomplete"
            assert len(self.disk) < len(self.source)
        except Impossible:
            assert self.upload.state not in OPEN

    @rule()
    @precondition(lambda self: self.upload.state in OPEN)
    def damaged(self) -> None:
        """A block that waited to be written turned out not to be what was sent."""
        self.arrived = bytearray(self.disk)
        self.upload = rewind(self.upload)

    @rule(data=st.data())
    @precondition(lambda self: self.upload.state not in TERMINAL)
    def crash(self, data: st.DataObject) -> None:
        """At any step: what was in memory is gone, the last write may have got further than anybody was told."""
        torn = data.draw(st.integers(0, len(self.arrived) - len(self.disk)))
        self.disk += self.arrived[len(self.disk) :][:torn]
        self.arrived = bytearray(self.disk)
        self.upload = resume(Upload("id", len(self.source)), len(self.disk))

    @invariant()
    def nothing_but_the_source_is_kept(self) -> None:
        assert self.arrived == self.source[: len(self.arrived)]
        assert self.upload.received == len(self.arrived)
        assert self.upload.durable == len(self.disk)
        assert self.upload.size == len(self.source)

    @invariant()
    def what_passed_is_whole(self) -> None:
        if self.upload.state not in OPEN and not self.upload.error and self.upload.state not in TERMINAL:
            assert self.disk == self.source

    @invariant()
    def an_end_is_the_end(self) -> None:
        if self.ended is not None:
            assert (self.upload.state, self.upload.error) == (self.ended.state, self.ended.error)
        elif self.upload.state in TERMINAL:
            self.ended = self.upload


TestInterleaving = Interleaving.TestCase


def test_a_refused_file_of_no_bytes_has_made_no_progress() -> None:
    empty = Upload("id", 0)

    assert advance(empty, Step.REJECT, UploadError("empty")).progress == 0
    assert empty.progress == 100
