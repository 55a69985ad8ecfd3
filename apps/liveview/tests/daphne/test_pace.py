"""Who is too slow, and who only had to wait."""

from __future__ import annotations

from liveview.daphne.pace import Pace


def test_a_pace_is_judged_period_by_period() -> None:
    pace = Pace(least_rate=10, period=3)
    pace.received(30)
    assert not pace.is_too_slow(waits_now=False)
    pace.received(29)
    assert pace.is_too_slow(waits_now=False)


def test_a_period_in_which_the_sender_had_to_wait_is_not_judged() -> None:
    pace = Pace(least_rate=10, period=3)
    pace.had_to_wait()
    assert not pace.is_too_slow(waits_now=True)
    assert not pace.is_too_slow(waits_now=False)
    assert pace.is_too_slow(waits_now=False)
