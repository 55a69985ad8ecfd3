"""What a connection costs the event loop is charged to it."""

from __future__ import annotations

import pytest

from liveview.core.time_budget import FREE, PER_BYTE, PER_PIECE, RATE, SAVED, SLICE, TimeBudget


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_little_is_free_and_more_has_to_take_turns() -> None:
    budget = TimeBudget(1.0, Clock())
    budget.charge(FREE)
    assert not budget.needs_turn

    budget.charge(0.001)
    assert budget.needs_turn


def test_a_turn_is_a_slice_of_time() -> None:
    budget = TimeBudget(1.0, Clock())
    budget.charge(0.1)
    budget.begin_turn()
    budget.charge(SLICE * 0.9)
    assert not budget.needs_turn

    budget.charge(SLICE * 0.2)
    assert budget.needs_turn


def test_what_is_owed_is_paid_off_by_waiting() -> None:
    clock = Clock()
    budget = TimeBudget(1.0, clock)
    budget.charge(0.01)
    clock.now += 0.009 / RATE

    assert 0 < budget.owed < FREE
    assert not budget.needs_turn


def test_who_owes_too_much_has_to_go() -> None:
    budget = TimeBudget(1.0, Clock())
    budget.charge(1.0)
    assert not budget.is_exhausted

    budget.charge(0.1)
    assert budget.is_exhausted


def test_bytes_pay_for_themselves_and_for_nothing_else() -> None:
    budget = TimeBudget(1.0, Clock())
    for _ in range(1000):
        budget.charge(PER_BYTE * 1_000_000 / 2, 1_000_000)
    assert budget.owed == -SAVED

    budget.charge(0.5, 10)
    assert 0.5 - SAVED - 0.001 < budget.owed < 0.5


@pytest.mark.parametrize(("each", "stays"), [(0.0008, True), (0.005, False)])
def test_fifty_messages_a_second_may_come_for_ever_from_whom_they_do_not_cost_much(each: float, stays: bool) -> None:
    """That many are allowed, and a slow machine takes longer for each: turns are enough. A quarter of the loop isn't
    anybody's for ever.
    """
    clock = Clock()
    budget = TimeBudget(5.0, clock)
    for _ in range(50 * 3600):
        clock.now += 1 / 50
        budget.charge(each, 100)

    assert budget.needs_turn
    assert budget.is_exhausted is not stays


def test_for_pieces_of_files_nobody_has_to_go_but_everybody_takes_turns() -> None:
    """A slot may ask for chunks of 1024 bytes, each of which costs what a large one does."""
    budget = TimeBudget(0.1, lambda: 0.0)
    for _ in range(10_000):
        budget.charge(PER_PIECE / 2, 1024, pieces=1)
    assert budget.needs_turn and not budget.is_exhausted
    for _ in range(10_000):
        budget.charge(PER_PIECE / 2, 1024)
    assert budget.is_exhausted
