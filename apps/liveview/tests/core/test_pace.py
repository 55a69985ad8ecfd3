"""Who is too slow, and who only had to wait."""

from __future__ import annotations

import pytest

from liveview.core.pace import Pace, Patience, Rates

RATES = Rates(least=10, period=3, mean=100, grace=60)


def test_a_pace_is_judged_period_by_period() -> None:
    pace = Pace(RATES)
    pace.received(30)
    assert not pace.is_too_slow(waits_now=False)
    pace.received(29)
    assert pace.is_too_slow(waits_now=False)


def test_a_period_in_which_the_sender_had_to_wait_is_not_judged() -> None:
    pace = Pace(RATES)
    pace.had_to_wait()
    assert not pace.is_too_slow(waits_now=True)
    assert not pace.is_too_slow(waits_now=False)
    assert pace.is_too_slow(waits_now=False)


def seconds_of(rate: int, *, most: int = 10_000) -> int:
    """For how long somebody may send at a rate."""
    pace = Pace(RATES)
    for second in range(0, most, 3):
        pace.received(3 * rate)
        if pace.is_too_slow(waits_now=False):
            return second + 3
    return most


def test_just_above_the_least_rate_nobody_sends_for_ever() -> None:
    assert seconds_of(9) == 3
    assert 60 <= seconds_of(11) <= 70
    assert 100 <= seconds_of(50) <= 130
    assert seconds_of(100) == 10_000


@pytest.mark.parametrize(("rate", "lasts"), [(9, 31), (11, 68), (100, 1000)])
def test_who_only_sees_pieces_is_as_patient(rate: int, lasts: int) -> None:
    patience, waited = Patience(RATES), 0
    while waited < lasts and patience.left > 0:
        patience.came(rate, 1)
        waited += 1
    assert lasts - 4 <= waited <= lasts


def test_nobody_is_waited_for_longer_than_a_period() -> None:
    patience = Patience(RATES)
    assert patience.left == 3
    patience.came(1_000_000, 2.9)
    assert patience.left == 3
    patience.came(0, 4)
    assert patience.left == 0
